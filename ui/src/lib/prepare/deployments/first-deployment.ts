/** A document to begin with. */
export const FIRST_DEPLOYMENT = `apiVersion: mainstay.dev/v1
kind: Deployment
metadata: { name: orders-rollout }
spec:
  component: orders
  environments:
    - name: production
      router: { command: { set: [./set-weight.sh] } }
      strategy: Canary10Percent5Minutes
      alarms: [OrdersErrors]`;
