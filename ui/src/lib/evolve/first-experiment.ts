/** An experiment to begin with: Chaos Toolkit's format as it is. */
export const FIRST_EXPERIMENT = `title: The front page stands a restart
description: A restart of the service is not noticed by its users.
steady-state-hypothesis:
  title: The front page answers
  probes:
    - type: probe
      name: front-page-answers
      tolerance: 200
      provider: { type: http, url: "http://127.0.0.1:8080/", timeout: 3 }
method:
  - type: action
    name: restart-the-service
    provider: { type: process, path: systemctl, arguments: [restart, shop] }
    pauses: { after: 5 }
rollbacks: []`;
