//! A folder of documents as large as wanted, without a fault, for measuring `mainstay check`.

use std::fs;
use std::io;
use std::path::Path;

/// Entities to a file, as people group them.
const ENTITIES_PER_FILE: usize = 10;
/// Components to a team.
const COMPONENTS_PER_GROUP: usize = 20;

/// Writes `count` documents below `dir`, in the shares of a large company: six components for every two rule
/// groups, one event rule and one runbook.
pub fn generate(dir: &Path, count: usize) -> io::Result<()> {
    let tenth = count.div_ceil(10);
    let (groups, rules, responses, runbooks) = ((tenth * 6).div_ceil(COMPONENTS_PER_GROUP), tenth * 2, tenth, tenth);
    let components = count.saturating_sub(groups + rules + responses + runbooks + 1).max(1);
    for folder in ["catalog", "alarms", "responses", "runbooks"] {
        fs::create_dir_all(dir.join(folder))?;
    }
    fs::write(dir.join("workload.yaml"), "apiVersion: mainstay.dev/v1\nkind: Workload\nmetadata: { name: bench }\n")?;
    let entities: Vec<String> = (0..groups).map(group).chain((0..components).map(|n| component(n, n % groups))).collect();
    for (index, file) in entities.chunks(ENTITIES_PER_FILE).enumerate() {
        fs::write(dir.join(format!("catalog/{index}.yaml")), file.join("---\n"))?;
    }
    for n in 0..rules {
        fs::write(dir.join(format!("alarms/{n}.yaml")), rule_group(n, n % components, n % runbooks))?;
    }
    for n in 0..responses {
        fs::write(dir.join(format!("responses/{n}.yaml")), event_rule(n, n % runbooks))?;
    }
    for n in 0..runbooks {
        fs::write(dir.join(format!("runbooks/{n}.md")), runbook(n, n % groups, n % components))?;
    }
    Ok(())
}

fn group(n: usize) -> String {
    format!("apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata:\n  name: team-{n}\nspec:\n  type: team\n  children: []\n")
}

fn component(n: usize, group: usize) -> String {
    let before = n.saturating_sub(1);
    format!(
        "apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: service-{n}
  description: The service of the number {n}, which does what its team needs.
  annotations:
    mainstay.dev/business-impact: medium
    mainstay.dev/tier: \"3\"
  tags: [rust, http]
spec:
  type: service
  lifecycle: production
  owner: team-{group}
  dependsOn: [component:service-{before}]
"
    )
}

fn rule_group(n: usize, component: usize, runbook: usize) -> String {
    format!(
        "groups:
  - name: service-{component}
    rules:
      - record: job:errors:ratio_rate5m
        expr: sum by (job) (rate(errors_total{{job=\"service-{component}\"}}[5m])) / sum by (job) (rate(requests_total{{job=\"service-{component}\"}}[5m]))
      - alert: RequestsFail{n}
        expr: job:errors:ratio_rate5m{{job=\"service-{component}\"}} > 0.05
        for: 2m
        labels: {{ component: service-{component}, severity: page }}
        annotations:
          summary: '{{{{ $value | humanizePercentage }}}} of the requests fail'
          runbook: runbook-{runbook}
"
    )
}

fn event_rule(n: usize, runbook: usize) -> String {
    format!(
        "apiVersion: mainstay.dev/v1
kind: EventRule
metadata: {{ name: rule-{n} }}
spec:
  pattern:
    type: [dev.mainstay.alarm.firing]
    data: {{ labels: {{ severity: [page], team: [{{ prefix: team-{n} }}] }} }}
  targets:
    - incident: {{ title: '{{{{ data.annotations.summary }}}}', resolveWithAlarm: true }}
    - run: {{ document: runbook-{runbook}, parameters: {{ REASON: alarm }} }}
"
    )
}

fn runbook(n: usize, group: usize, component: usize) -> String {
    format!(
        "---
apiVersion: mainstay.dev/v1
kind: Runbook
metadata: {{ name: runbook-{n} }}
spec:
  owner: team-{group}
  component: service-{component}
  parameters: [{{ name: REASON, default: none }}]
---
# Runbook {n}

Look first, then act.

```promql {{ name=before display=chart }}
job:errors:ratio_rate5m
```

```bash {{ name=act timeout=30s approval=\"group:default/team-{group}\" }}
echo \"$REASON\"
```
"
    )
}
