import { describe, expect, it } from 'vitest';
import { Resource } from './resource.svelte';

/** A resource whose requests, counted from zero, are answered when the test says so. */
function asked() {
  const answers: ((value: string) => void)[] = [];
  const resource = new Resource(() => new Promise<string>((answer) => answers.push(answer)));
  return { resource, answer: (request: number, value: string) => answers[request]?.(value) };
}

describe('a resource', () => {
  it('shows an answer although a newer request is under way', async () => {
    const { resource, answer } = asked();
    const first = resource.reload();
    const second = resource.reload();
    answer(0, 'old');
    await first;
    expect([resource.data, resource.loading]).toEqual(['old', true]);
    answer(1, 'new');
    await second;
    expect([resource.data, resource.loading]).toEqual(['new', false]);
  });

  it('drops an answer that a newer one overtook', async () => {
    const { resource, answer } = asked();
    const [first, second] = [resource.reload(), resource.reload()];
    answer(1, 'new');
    await second;
    answer(0, 'old');
    await first;
    expect([resource.data, resource.loading]).toEqual(['new', false]);
  });

  it('drops answers from before it was reset', async () => {
    const { resource, answer } = asked();
    const first = resource.reload();
    resource.reset();
    const second = resource.reload();
    answer(0, 'of another page');
    await first;
    expect(resource.data).toBeUndefined();
    answer(1, 'of this page');
    await second;
    expect(resource.data).toBe('of this page');
  });
});
