import type { IconName } from '$lib/components/icons';

/** How a state is shown: always an icon and a word, the colour only adds to them. */
export interface StateLook {
  word: string;
  tone: 'good' | 'warn' | 'bad' | 'info' | 'quiet';
  icon: IconName;
}

const look = (word: string, tone: StateLook['tone'], icon: IconName): StateLook => ({ word, tone, icon });

export const ALARM_STATES: Record<string, StateLook> = {
  inactive: look('Inactive', 'good', 'check'),
  pending: look('Pending', 'warn', 'clock'),
  firing: look('Firing', 'bad', 'bell'),
  resolved: look('Resolved', 'good', 'check'),
  nodata: look('No data', 'quiet', 'unknown'),
  error: look('Error', 'warn', 'warning')
};

export const INCIDENT_STATES: Record<string, StateLook> = {
  open: look('Open', 'bad', 'flame'),
  acknowledged: look('Acknowledged', 'warn', 'eye'),
  mitigated: look('Mitigated', 'info', 'shield'),
  resolved: look('Resolved', 'good', 'check')
};

/** How long traffic takes to reach a scale point. */
export const RUNWAY_STATES: Record<string, StateLook> = {
  reached: look('Reached', 'bad', 'warning'),
  on: look('Ahead', 'warn', 'clock'),
  not_in_sight: look('Not in sight', 'good', 'check'),
  too_few_days: look('Too early to tell', 'quiet', 'unknown')
};

/** Runs and their steps. */
export const RUN_STATES: Record<string, StateLook> = {
  requested: look('Requested', 'quiet', 'clock'),
  pending: look('Pending', 'quiet', 'clock'),
  running: look('Running', 'info', 'play'),
  waiting: look('Waiting', 'warn', 'hand'),
  interrupted: look('Interrupted', 'bad', 'warning'),
  succeeded: look('Succeeded', 'good', 'check'),
  failed: look('Failed', 'bad', 'cross'),
  skipped: look('Skipped', 'quiet', 'skip'),
  cancelled: look('Cancelled', 'quiet', 'stop')
};

export const CANARY_STATES: Record<string, StateLook> = {
  failing: look('Failing', 'bad', 'bell'),
  unsteady: look('Failed last', 'warn', 'warning'),
  waiting: look('No look yet', 'quiet', 'clock'),
  passing: look('Passing', 'good', 'check'),
  disabled: look('Switched off', 'quiet', 'stop')
};

/** How an experiment of a game day ended, and what became of a hypothesis. */
export const TRIAL_STATES: Record<string, StateLook> = {
  held: look('Held', 'good', 'check'),
  broken: look('Broken', 'bad', 'cross'),
  aborted: look('Aborted', 'warn', 'stop'),
  skipped: look('Not played', 'quiet', 'skip'),
  unclear: look('Unclear', 'warn', 'unknown'),
  played: look('Played', 'good', 'check'),
  written: look('Never tried', 'info', 'clock'),
  never: look('No experiment', 'quiet', 'dot')
};

export const PRACTICE_STATES: Record<string, StateLook> = {
  practice: look('Practice', 'info', 'evolve')
};

/** A journey played, a threshold, an activity of an experiment. */
export const CHECK_STATES: Record<string, StateLook> = {
  passed: look('Passed', 'good', 'check'),
  unknown: look('Unclear', 'quiet', 'unknown'),
  failed: look('Failed', 'bad', 'cross'),
  ok: look('Kept', 'good', 'check'),
  broken: look('Broken', 'bad', 'cross'),
  met: look('Holds', 'good', 'check'),
  deviated: look('Deviated', 'bad', 'warning'),
  succeeded: look('Done', 'good', 'check'),
  completed: look('Completed', 'good', 'check'),
  aborted: look('Aborted', 'bad', 'stop'),
  interrupted: look('Interrupted', 'bad', 'warning'),
  running: look('Running', 'info', 'play')
};

/** How an environment stands in a deployment. */
export const STAGE_STATES: Record<string, StateLook> = {
  not_asked: look('Not asked for', 'quiet', 'skip'),
  pending: look('Comes later', 'quiet', 'clock'),
  gate: look('At a gate', 'warn', 'clock'),
  approval: look('Waits for approval', 'warn', 'hand'),
  starting: look('Begins', 'info', 'play'),
  shifting: look('Shifting', 'info', 'deploy'),
  paused: look('Paused', 'warn', 'pause'),
  stopped: look('Held: all stopped', 'bad', 'pause'),
  taking_back: look('Rolling back', 'bad', 'back'),
  rolled_back: look('Rolled back', 'bad', 'back'),
  arrived: look('Arrived', 'good', 'check'),
  failed: look('Refused', 'bad', 'cross'),
  interrupted: look('Interrupted', 'bad', 'warning'),
  cancelled: look('Cancelled', 'quiet', 'stop')
};

/** What the judge says of a metric. */
export const VERDICT_STATES: Record<string, StateLook> = {
  pass: look('Pass', 'good', 'check'),
  fail: look('Fail', 'bad', 'cross'),
  not_enough_data: look('Not enough data', 'quiet', 'unknown')
};

export const HOOK_STATES: Record<string, StateLook> = {
  passed: look('Passed', 'good', 'check'),
  failed: look('Failed', 'bad', 'cross'),
  asked: look('Asked', 'info', 'clock'),
  cut: look('Cut off', 'quiet', 'stop')
};

export const DELIVERY_STATES: Record<string, StateLook> = {
  pending: look('Pending', 'info', 'clock'),
  delivered: look('Delivered', 'good', 'check'),
  dead: look('Given up', 'bad', 'cross')
};

export const HEALTH_STATES: Record<string, StateLook> = {
  good: look('All is well', 'good', 'check'),
  attention: look('Needs a look', 'warn', 'warning'),
  bad: look('Something is wrong', 'bad', 'flame')
};

export const SEVERITY_LOOKS: Record<string, StateLook> = {
  sev1: look('SEV-1', 'bad', 'severity'),
  sev2: look('SEV-2', 'bad', 'severity'),
  sev3: look('SEV-3', 'warn', 'severity'),
  sev4: look('SEV-4', 'info', 'severity'),
  sev5: look('SEV-5', 'quiet', 'severity')
};

export const SEVERITY_MEANINGS: Record<string, string> = {
  sev1: 'SEV-1 – critical business impact',
  sev2: 'SEV-2 – high impact, major incident',
  sev3: 'SEV-3 – medium impact',
  sev4: 'SEV-4 – low impact',
  sev5: 'SEV-5 – no impact yet'
};

export const IMPACT_LOOKS: Record<string, StateLook> = {
  critical: look('Critical', 'bad', 'impact'),
  high: look('High', 'warn', 'impact'),
  medium: look('Medium', 'info', 'impact'),
  low: look('Low', 'quiet', 'impact')
};

export const LEVEL_LOOKS: Record<string, StateLook> = {
  error: look('Error', 'bad', 'cross'),
  warning: look('Warning', 'warn', 'warning'),
  note: look('Note', 'info', 'info')
};

/** One runner's part of a load. */
export const SHARE_LOOKS: Record<string, StateLook> = {
  played: look('Played', 'good', 'check'),
  failed: look('Failed', 'bad', 'cross'),
  lost: look('Lost', 'bad', 'warning')
};

/** Log severities, in the order in which a histogram stacks them. */
export const LOG_SEVERITIES = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];

export function logTone(severity: string): StateLook['tone'] {
  const name = severity.toUpperCase();
  if (name.startsWith('ERROR') || name.startsWith('FATAL')) return 'bad';
  if (name.startsWith('WARN')) return 'warn';
  if (name.startsWith('INFO')) return 'info';
  return 'quiet';
}

export function unknownState(word: string): StateLook {
  return look(word, 'quiet', 'unknown');
}

export const isActiveRun = (status: string): boolean => !['succeeded', 'failed', 'cancelled'].includes(status);
