//! Parameters as bytes: to the bit, and never a panic.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use mbrl_core::{Key, Result};
use mbrl_nn::*;
use proptest::prelude::*;

fn net() -> Mlp {
    Mlp::new(3, &[8, 5], 2, Activation::Elu).unwrap().with_norm(Norm::Layer)
}

fn adam(len: usize) -> Adam {
    let mean = (0..len).map(|i| (i as f32 - 20.0) * 1e-3).collect();
    let square = (0..len).map(|i| i as f32 * 1e-9).collect();
    Adam { mean, square, steps: u64::MAX }
}

fn saved() -> Vec<u8> {
    let theta = Init::default().parameters(&net(), 2, Key::root(0));
    let adam = adam(theta.len());
    let mut store = Store::default();
    store.put_network("critic", &net(), &theta).unwrap();
    store.put_adam("critic", &adam).unwrap();
    store.put("odd \"name\"\n\\", &[2, 1, 2], &[-0.0, f32::MIN_POSITIVE / 4.0, f32::MAX, 0.1]).unwrap();
    store.put("nothing", &[0, 3], &[]).unwrap();
    store.note("quote", "tab\t \"and\" ünïcode \u{1}").unwrap();
    let mut bytes = Vec::new();
    store.write(&mut bytes).unwrap();
    bytes
}

type All = (Vec<u32>, Adam, Vec<u32>, String);

fn everything(bytes: &[u8]) -> Result<All> {
    let bits = |values: Vec<f32>| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    let mut loaded = Loaded::read(bytes)?;
    let theta = loaded.take_network("critic", &net(), 2)?;
    let adam = loaded.take_adam("critic", theta.len())?;
    let odd = loaded.take("odd \"name\"\n\\", &[2, 1, 2])?;
    assert!(loaded.take("nothing", &[0, 3])?.is_empty());
    assert_eq!(loaded.names().count(), 0);
    Ok((bits(theta), adam, bits(odd), loaded.note("quote")?.to_owned()))
}

#[test]
fn what_is_saved_comes_back_to_the_bit() {
    let theta = Init::default().parameters(&net(), 2, Key::root(0));
    let (found, moments, odd, quote) = everything(&saved()).unwrap();
    assert_eq!(found, theta.iter().map(|value| value.to_bits()).collect::<Vec<_>>());
    assert_eq!(moments, adam(theta.len()));
    assert_eq!(odd, [-0.0, f32::MIN_POSITIVE / 4.0, f32::MAX, 0.1].map(f32::to_bits));
    assert_eq!(quote, "tab\t \"and\" ünïcode \u{1}");
    assert_eq!(saved(), saved());
    assert_eq!(Loaded::read(saved().as_slice()).unwrap().network("critic").unwrap(), net());
    // Nothing at all may be saved, too.
    let mut bytes = Vec::new();
    Store::default().write(&mut bytes).unwrap();
    assert_eq!(Loaded::read(bytes.as_slice()).unwrap().names().count(), 0);
}

#[test]
fn other_tools_read_it() {
    let bytes = saved();
    let theirs = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let theta = theirs.tensor("critic/theta").unwrap();
    assert_eq!(theta.shape(), [2, net().params()]);
    assert_eq!(theta.dtype(), safetensors::Dtype::F32);
    // Numbers begin at a multiple of eight bytes, to be mapped into memory.
    assert_eq!(u64::from_le_bytes(bytes[..8].try_into().unwrap()) % 8, 0);
}

#[test]
fn every_cut_and_every_flipped_bit_is_noticed() {
    let bytes = saved();
    let whole = everything(&bytes).unwrap();
    for cut in 0..bytes.len() {
        assert!(Loaded::read(&bytes[..cut]).unwrap_err().is_corrupt(), "cut at {cut}");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(Loaded::read(longer.as_slice()).unwrap_err().is_corrupt());
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut bad = bytes.clone();
            bad[at] ^= 1 << bit;
            match everything(&bad) {
                // A blank may become another blank.
                Ok(all) => assert_eq!(all, whole, "byte {at}"),
                Err(error) => {
                    assert!(error.is_corrupt() || error.is_version(), "byte {at}: {error}");
                    assert!(!error.to_string().contains('\n'), "byte {at}: {error}");
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn mutations_never_panic(
        cuts in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        extra in proptest::collection::vec(any::<u8>(), 0..64),
        at in any::<prop::sample::Index>(),
    ) {
        let mut bytes = saved();
        let whole = everything(&bytes).unwrap();
        for (at, byte) in cuts {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let at = at.index(bytes.len());
        bytes.splice(at..at, extra);
        if let Ok(all) = everything(&bytes) {
            prop_assert_eq!(all, whole);
        }
    }

    #[test]
    fn headers_of_any_kind_never_panic(json in r#"[{}\[\]",:0-9a-z_ \\]{0,200}"#, body in 0usize..64) {
        let mut bytes = (json.len() as u64).to_le_bytes().to_vec();
        bytes.extend(json.into_bytes());
        bytes.resize(bytes.len() + body, 0);
        prop_assert!(Loaded::read(bytes.as_slice()).is_err());
    }
}

#[test]
fn numbers_that_overflow_are_refused() {
    // Sixteen vectors that end one byte before 2⁶⁴: with the header, beyond.
    let each = 1u64 << 60;
    let parts: Vec<String> = (0..16u64)
        .map(|i| {
            let (from, len) = (i * each, if i < 15 { each } else { each - 1 });
            let to = from + len;
            format!(r#""a{i}":{{"dtype":"U8","shape":[{len}],"data_offsets":[{from},{to}]}}"#)
        })
        .collect();
    let json = format!("{{{}}}", parts.join(","));
    let mut bytes = (json.len() as u64).to_le_bytes().to_vec();
    bytes.extend(json.into_bytes());
    assert!(Loaded::read(bytes.as_slice()).unwrap_err().is_corrupt());
    for len in [u64::MAX, 1 << 40, 100] {
        let mut bytes = len.to_le_bytes().to_vec();
        bytes.extend([0; 32]);
        assert!(Loaded::read(bytes.as_slice()).unwrap_err().is_corrupt());
    }
}

#[test]
fn what_is_asked_for_must_be_there() {
    let mut loaded = Loaded::read(saved().as_slice()).unwrap();
    let error = loaded.take("critic/thetta", &[2, 3]).unwrap_err().to_string();
    assert_eq!(error, "no vector is called `critic/thetta`: did you mean `critic/theta`?");
    let error = loaded.take("critic/theta", &[2, 3]).unwrap_err().to_string();
    assert!(
        error.starts_with("`critic/theta` has the shape [2, ") && error.ends_with("expected [2, 3]"),
        "{error}"
    );
    let error = loaded.take_network("critics", &net(), 2).unwrap_err().to_string();
    assert!(error.contains("did you mean `critic/layers`?"), "{error}");
    let error = loaded.take_network("critic", &net(), 3).unwrap_err().to_string();
    assert!(error.contains("expected [3, "), "{error}");
    let other = Mlp::new(3, &[8], 2, Activation::Relu).unwrap();
    let error = loaded.take_network("critic", &other, 2).unwrap_err().to_string();
    assert_eq!(error, "`critic` is a network 3→8→5→2 (elu, norm layer): expected 3→8→2 (relu, norm none)");
    assert!(loaded.note("quiet").unwrap_err().to_string().contains("`quote`"));
    assert!(loaded.take_adam("critic", 3).unwrap_err().to_string().contains("expected [3]"));
    // What was refused is still there.
    assert!(loaded.take_network("critic", &net(), 2).is_ok());
    assert!(loaded.take_network("critic", &net(), 2).is_err());
}

#[test]
fn what_is_not_finite_is_refused_by_name() {
    let mut store = Store::default();
    let error = store.put("theta", &[3], &[0.0, f32::NAN, 0.0]).unwrap_err();
    assert!(error.is_non_finite() && error.to_string().contains("number 1 of `theta` is NaN"), "{error}");
    assert!(store.put("theta", &[4], &[0.0; 3]).unwrap_err().is_invalid());
    assert!(store.put("theta", &[usize::MAX, 3], &[0.0; 3]).unwrap_err().is_invalid());
    store.put("theta", &[3], &[0.0; 3]).unwrap();
    assert!(store.put("theta", &[3], &[0.0; 3]).unwrap_err().to_string().contains("taken"));
    assert!(store.put("__metadata__", &[3], &[0.0; 3]).unwrap_err().is_invalid());
    assert!(store.note("checksum", 1).unwrap_err().is_invalid());
    // A negative square would become no number in the next step.
    let bad = Adam { mean: vec![0.0], square: vec![-1.0], steps: 1 };
    store.put_adam("adam", &bad).unwrap();
    let mut bytes = Vec::new();
    store.write(&mut bytes).unwrap();
    assert!(Loaded::read(bytes.as_slice()).unwrap().take_adam("adam", 1).unwrap_err().is_corrupt());
}

#[test]
fn a_writer_that_fails_is_reported() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    assert!(Store::default().write(Full).unwrap_err().is_io());
}

#[test]
fn what_could_not_be_read_again_is_not_written() {
    let mut store = Store::default();
    store.note("long", "x".repeat(1 << 24)).unwrap();
    let mut bytes = Vec::new();
    let error = store.write(&mut bytes).unwrap_err();
    assert!(error.is_invalid() && bytes.is_empty(), "{error}");
}

#[test]
fn a_name_that_is_taken_keeps_what_it_has() {
    let mut store = Store::default();
    store.put("theta", &[1], &[1.0]).unwrap();
    store.note("steps", 3).unwrap();
    assert!(store.put("theta", &[1], &[2.0]).is_err() && store.note("steps", 4).is_err());
    let mut bytes = Vec::new();
    store.write(&mut bytes).unwrap();
    let mut loaded = Loaded::read(bytes.as_slice()).unwrap();
    assert_eq!(loaded.note("steps").unwrap(), "3");
    assert_eq!(loaded.take("theta", &[1]).unwrap()[0].to_bits(), 1.0f32.to_bits());
}
