import { describe, expect, it } from 'vitest';
import { Resource } from './resource.svelte';

/** Answers in the order in which the test gives them. */
function asked() {
  const answers: ((value: string) => void)[] = [];
  const resource = new Resource(() => new Promise<string>((answer) => answers.push(answer)));
  return { resource, answers };
}

describe('a resource', () => {
  it('shows an answer although a newer request is under way', async () => {
    const { resource, answers } = asked();
    const first = resource.reload();
    const second = resource.reload();
    answers[0]('old');
    await first;
    expect([resource.data, resource.loading]).toEqual(['old', true]);
    answers[1]('new');
    await second;
    expect([resource.data, resource.loading]).toEqual(['new', false]);
  });

  it('drops an answer that a newer one overtook', async () => {
    const { resource, answers } = asked();
    const [first, second] = [resource.reload(), resource.reload()];
    answers[1]('new');
    await second;
    answers[0]('old');
    await first;
    expect([resource.data, resource.loading]).toEqual(['new', false]);
  });

  it('drops answers from before it was reset', async () => {
    const { resource, answers } = asked();
    const first = resource.reload();
    resource.reset();
    const second = resource.reload();
    answers[0]('of another page');
    await first;
    expect(resource.data).toBeUndefined();
    answers[1]('of this page');
    await second;
    expect(resource.data).toBe('of this page');
  });
});
