import { RequestError } from '$lib/api/problem';

export interface Notice {
  id: number;
  tone: 'good' | 'bad';
  text: string;
}

const SHOWN_MS = 8000;

/** Short messages about what somebody just did. */
class Notices {
  list = $state<Notice[]>([]);
  #next = 1;

  tell(text: string, tone: Notice['tone'] = 'good') {
    const id = this.#next++;
    this.list.push({ id, tone, text });
    setTimeout(() => this.dismiss(id), SHOWN_MS);
  }

  fail(error: unknown) {
    const title = error instanceof RequestError ? `${error.title}: ` : '';
    this.tell(title + (error instanceof Error ? error.message : String(error)), 'bad');
  }

  dismiss(id: number) {
    this.list = this.list.filter((notice) => notice.id !== id);
  }
}

export const notices = new Notices();

/** Does something for a person, and says why if it fails. True if it succeeded. */
export async function attempt(act: () => Promise<unknown>, done?: string): Promise<boolean> {
  try {
    await act();
    if (done) notices.tell(done);
    return true;
  } catch (error) {
    notices.fail(error);
    return false;
  }
}
