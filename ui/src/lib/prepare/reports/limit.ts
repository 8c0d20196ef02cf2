import type { LimitReport, LimitTrial, UslFit } from './report';

/** What a trial came to, in a word of `CHECK_STATES`. */
export function trialState({ outcome }: LimitTrial): string {
  if (outcome.is === 'held') return 'passed';
  return outcome.is === 'broke' ? 'failed' : 'unknown';
}

/** The finding in one sentence. */
export function findingText({ finding }: LimitReport): string {
  const rate = (value: number | undefined) => `${(value ?? 0).toLocaleString('en', { maximumFractionDigits: 1 })}/s`;
  switch (finding?.found) {
    case 'scale_point': return `It holds at ${rate(finding.held)} and breaks at ${rate(finding.broke)}.`;
    case 'no_limit_within_reach': return `No limit was found: ${rate(finding.held)} hold.`;
    case 'breaks_at_once': return `It breaks even at ${rate(finding.broke)}.`;
    default: return 'The search goes on.';
  }
}

/** Throughput at a concurrency. Source: N. J. Gunther, Guerrilla Capacity Planning, 2007. */
export function usl({ alpha, beta, gamma }: UslFit, n: number): number {
  return (gamma.value * n) / (1 + alpha.value * (n - 1) + beta.value * n * (n - 1));
}
