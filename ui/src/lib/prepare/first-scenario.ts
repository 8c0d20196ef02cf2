/** A script to begin with. */
export const FIRST_SCENARIO = `config:
  target: http://127.0.0.1:8080
  phases:
    - { duration: 60, arrivalRate: 5, rampTo: 20 }
  plugins: { expect: {}, ensure: {} }
  ensure: { maxErrorRate: 1, p95: 250 }
scenarios:
  - name: front page
    flow:
      - get:
          url: /
          expect: [{ statusCode: 200 }]`;
