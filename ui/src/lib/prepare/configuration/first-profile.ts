/** A profile to begin with: a definition in flagd's format, inside the document. */
export const FIRST_PROFILE = `apiVersion: mainstay.dev/v1
kind: ConfigProfile
metadata: { name: flags }
spec:
  component: your-service
  type: flags
  environments: [{ name: production }]
  content:
    flags:
      new-search:
        state: ENABLED
        variants: { on: true, off: false }
        defaultVariant: off
        targeting: { fractional: [[on, 10], [off, 90]] }`;
