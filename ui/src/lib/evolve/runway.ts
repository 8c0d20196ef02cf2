import type { Runway } from '$lib/api/types';

const day = (date: string): string => new Date(date).toLocaleDateString('en-GB', { day: 'numeric', month: 'long', year: 'numeric' });

/** When the daily peak reaches the scale point, in a sentence. */
export function runwayText({ state, date, earliest, latest }: Pick<Runway, 'state' | 'date' | 'earliest' | 'latest'>): string {
  switch (state) {
    case 'reached': return 'The peak is at the scale point already.';
    case 'not_in_sight': return 'Traffic does not grow towards it within ten years.';
    case 'too_few_days': return 'A week of traffic is needed to see where it goes.';
    default: {
      const between = [earliest && `at the earliest on ${day(earliest)}`, latest ? `at the latest on ${day(latest)}` : 'perhaps never'].filter(Boolean).join(', ');
      return `The peak reaches it on ${date ? day(date) : 'an unknown day'}; ${between}.`;
    }
  }
}
