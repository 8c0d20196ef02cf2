/** A canary to begin with. */
export const FIRST_CANARY = `apiVersion: mainstay.dev/v1
kind: Canary
metadata: { name: front-page }
spec:
  http: { url: "http://127.0.0.1:8080/", status: [200] }
  every: 60s
  alarm: { failures: 2, of: 3 }`;
