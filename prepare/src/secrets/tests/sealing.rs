//! Only what was sealed opens, where it was sealed, with the key it was sealed under.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use documents::value::SecretAt;
use ledger::{Batch, Sealed, SecretVersion};
use proptest::prelude::*;
use secrecy::{ExposeSecret, SecretString};

use super::world::*;
use crate::secrets::keys::{Local, Ring};
use crate::secrets::seal::{self, Bound, SealError};

fn ring() -> Ring {
    Ring::new(std::sync::Arc::new(Local::random().unwrap()), [])
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_was_sealed_opens(value in "\\PC{0,200}", path in "/[a-z]{1,8}", version in 1i64..1000) {
        let (ring, bound) = (ring(), Bound::secret(&path, version));
        let sealed = run(seal::seal(&ring, &bound, &SecretString::from(value.as_str()))).unwrap();
        let opened = run(seal::open(&ring, &bound, &sealed)).unwrap();
        prop_assert_eq!(opened.expose_secret(), value);
    }

    #[test]
    fn a_changed_byte_anywhere_is_noticed(value in "[a-z]{4,40}", at in any::<prop::sample::Index>(), flip in 1u8.., of_key in any::<bool>()) {
        let (ring, bound) = (ring(), Bound::secret("/a", 1));
        let mut sealed = run(seal::seal(&ring, &bound, &SecretString::from(value.as_str()))).unwrap();
        let text = if of_key { &mut sealed.wrapped } else { &mut sealed.ciphertext };
        let mut bytes = STANDARD.decode(&*text).unwrap();
        let place = at.index(bytes.len());
        bytes[place] ^= flip;
        *text = STANDARD.encode(bytes);
        let opened = run(seal::open(&ring, &bound, &sealed));
        prop_assert!(matches!(opened, Err(SealError::Tampered { .. })), "{opened:?}");
    }

    #[test]
    fn two_places_are_never_bound_alike(a in ("[a-z/]{0,6}", 0i64..200), b in ("[a-z/]{0,6}", 0i64..200)) {
        let bytes = |(path, version): &(String, i64)| Bound::secret(path, *version).bytes();
        prop_assert_eq!(a == b, bytes(&a) == bytes(&b));
    }
}

#[tokio::test]
async fn a_row_that_was_moved_does_not_open() {
    let (ring, here) = (ring(), Bound::secret("/shop/a", 1));
    let sealed = seal::seal(&ring, &here, &"hunter22".into()).await.unwrap();
    for elsewhere in [Bound::secret("/shop/b", 1), Bound::secret("/shop/a", 2), Bound { kind: "parameter", ..here.clone() }] {
        let opened = seal::open(&ring, &elsewhere, &sealed).await;
        assert!(matches!(opened, Err(SealError::Tampered { .. })), "{elsewhere:?}");
    }
    let other = seal::seal(&ring, &here, &"hunter22".into()).await.unwrap();
    let mixed = Sealed { wrapped: other.wrapped.clone(), ..sealed.clone() };
    assert!(matches!(seal::open(&ring, &here, &mixed).await, Err(SealError::Tampered { .. })), "each value has its own data key");
    assert_ne!(sealed.ciphertext, other.ciphertext);
}

#[tokio::test]
async fn another_key_is_a_clear_error() {
    let (ours, theirs, bound) = (ring(), ring(), Bound::secret("/a", 1));
    let sealed = seal::seal(&ours, &bound, &"hunter22".into()).await.unwrap();
    let error = seal::open(&theirs, &bound, &sealed).await.unwrap_err().to_string();
    assert_eq!(error, format!("this server does not have the master key {}, which this value is sealed with; name where it is by --old-master-key", sealed.key));
    let renamed = Sealed { key: theirs.current().id().to_owned(), ..sealed };
    assert!(matches!(seal::open(&theirs, &bound, &renamed).await, Err(SealError::Tampered { .. })));
}

#[tokio::test]
async fn rows_changed_in_the_database_do_not_open() {
    let world = World::new().await;
    world.put("/shop/orders/a", "hunter22").await;
    world.put("/shop/orders/b", "tr0ub4dor").await;
    let [a, b] = [world.ledger.secret_version("/shop/orders/a", 1).await.unwrap(), world.ledger.secret_version("/shop/orders/b", 1).await.unwrap()];
    // Whoever can write to the database puts the one in the place of the other.
    let swapped = SecretVersion { sealed: b.sealed.clone(), ..a };
    world.ledger.commit(Batch::new().secret_version(swapped)).await.unwrap();
    let error = world.read("/shop/orders/a", SecretAt::Current).await.unwrap_err().to_string();
    assert_eq!(error, "version 1 of /shop/orders/a cannot be opened: it was changed, or moved here from another place, after it was sealed");
    assert_eq!(world.read("/shop/orders/b", SecretAt::Current).await.unwrap(), "tr0ub4dor");
}
