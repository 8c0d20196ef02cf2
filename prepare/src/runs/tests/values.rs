//! Values in the environment of cells: they are there, and nowhere else.

use std::sync::Arc;

use async_trait::async_trait;
use documents::value::Reference;
use ledger::{OutputKind, RunStatus};
use parking_lot::Mutex;
use secrecy::SecretString;

use super::world::*;
use crate::secrets::Asking;
use crate::values::{Found, ValueError, ValueSource};

const SECRET: &str = "c0rrect/h0rse\"b4ttery";

/// Hands out the one secret, and remembers who asked.
#[derive(Default)]
struct Store {
    asked: Mutex<Vec<Asking>>,
}

#[async_trait]
impl ValueSource for Store {
    async fn value(&self, reference: &Reference, asking: &Asking) -> Result<Found, ValueError> {
        self.asked.lock().push(asking.clone());
        match reference {
            Reference::Secret { .. } => Ok(Found { text: SecretString::from(SECRET), secret: true }),
            Reference::Parameter { .. } => Ok(Found { text: SecretString::from("db.local"), secret: false }),
            other => Err(ValueError::Unset(other.to_string())),
        }
    }
}

async fn world(cells: &str) -> (World, Arc<Store>) {
    let document = format!(
        "---
apiVersion: mainstay.dev/v1
kind: Runbook
metadata: {{ name: use }}
env:
  PASSWORD: \"{{{{resolve:mainstay-secret:/shop/db}}}}\"
  URL: \"postgres://app:{{{{resolve:mainstay-secret:/shop/db}}}}@{{{{resolve:mainstay:/shop/host}}}}/shop\"
---
{cells}"
    );
    let mut world = World::with(&[("use", &document)]).await;
    world.stop().await;
    let store = Arc::new(Store::default());
    world.values = store.clone();
    world.start();
    (world, store)
}

#[tokio::test]
async fn a_cell_has_its_values_and_nobody_sees_them() {
    let (world, store) = world(
        r#"
```bash { name=show }
test "$PASSWORD" = 'c0rrect/h0rse"b4ttery' && echo "it is right: $PASSWORD"
echo "$URL"
printf '%s' "$PASSWORD" | base64
printf 'user:%s' "$PASSWORD" | base64
printf '%s' "$PASSWORD" | od -An -tx1 | tr -d ' \n'; echo
for i in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do printf '%s' "${PASSWORD:$i:1}"; done
echo " and c0rrectly so" >&2
echo "given=$PASSWORD" >> "$MAINSTAY_OUTPUT"
```

```bash { name=fail }
echo "name with space $PASSWORD" >> "$MAINSTAY_OUTPUT"
```
"#,
    )
    .await;
    let run = world.run("use", &[], RunStatus::Failed).await;
    let shown = world.output(&run.id, OutputKind::Stdout).await;
    assert!(shown.starts_with("it is right: •••\npostgres://app:•••@db.local/shop\n•••"), "{shown}");
    assert_eq!(world.output(&run.id, OutputKind::Stderr).await, " and c0rrectly so\n");
    assert_eq!(run.outputs["given"], "•••");
    let everything = format!("{run:?} {:?} {:?} {}", world.step(&run.id, 1).await, world.events(&run.id).await, world.transcript(&run.id).await);
    for form in [SECRET, "c0rrect", "b4ttery", "YzBycmVjdC9oMHJzZ", "633072726563742f", "h0rse"] {
        let told = everything.replace("c0rrectly so", "");
        assert!(!told.contains(form), "{form}: {told}");
    }
    let asked = store.asked.lock();
    assert_eq!(asked.iter().filter(|asking| asking.run == Some(run.id.clone())).count(), asked.len());
    assert_eq!(asked.len(), 3, "each text is filled in once for the run");
    assert_eq!((asked[0].principal.document.as_deref(), asked[0].why.as_str()), (Some("use"), "PASSWORD of use"));
}

#[tokio::test]
async fn a_value_that_cannot_be_had_fails_the_cell_before_it_begins() {
    let (world, _) = world("```bash { name=show env.OTHER=\"{{resolve:env:NO_SUCH}}\" }\necho begun\n```\n").await;
    let run = world.run("use", &[], RunStatus::Failed).await;
    let error = world.step(&run.id, 0).await.error.unwrap();
    assert_eq!(error, "the variable OTHER: the environment has no variable env:NO_SUCH");
    assert!(!world.transcript(&run.id).await.contains("begun"));
}
