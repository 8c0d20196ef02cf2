/** A game day to begin with. */
export const FIRST_GAME_DAY = `apiVersion: mainstay.dev/v1
kind: GameDay
metadata: { name: first-game-day, title: Our first game day }
spec:
  goal: We notice a restart before our customers do
  components: [shop]
  hypotheses:
    - Nobody notices a restart
    - { text: An alarm tells us in time, experiment: restart, detectWithin: 2m }
  experiments: [restart]
  participants:
    - { user: jo, role: commander }
  schedule: { start: "2027-03-02T14:00:00+01:00", duration: 1h }
  abortWhen: []
  severity: sev3`;
