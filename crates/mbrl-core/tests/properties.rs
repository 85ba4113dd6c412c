//! What holds of every value of the vocabulary.

use mbrl_core::{BoxSpace, End, Key, NoiseBuf, NoiseSpec, Origin, RowBuf, Rows, Snapshot, Space};
use proptest::prelude::*;

fn config() -> ProptestConfig {
    let file = proptest::test_runner::FileFailurePersistence::Direct("proptest-regressions/properties.txt");
    ProptestConfig { failure_persistence: Some(Box::new(file)), ..ProptestConfig::with_cases(256) }
}

fn boxes() -> impl Strategy<Value = Space> {
    let bound = (-1e6f32..1e6, 1e-3f32..1e6);
    prop::collection::vec(bound, 1..5).prop_map(|bounds| {
        let low: Vec<f32> = bounds.iter().map(|(low, _)| *low).collect();
        // Far from 0 a small width may round away, and an empty box is refused.
        let high = bounds.iter().map(|(low, width)| (low + width).max(low.next_up())).collect();
        Space::Box(BoxSpace::new(low, high).expect("bounds are in order"))
    })
}

fn spaces() -> impl Strategy<Value = Space> {
    prop_oneof![boxes(), (1u32..=1 << 24).prop_map(|n| Space::discrete(n).expect("a size that can be"))]
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_uniforms_draw_is_in_the_space(space in spaces(), words in prop::collection::vec(any::<u32>(), 4)) {
        let uniforms: Vec<f32> = words.iter().map(|w| (w >> 8) as f32 / (1u32 << 24) as f32).collect();
        let mut value = vec![f32::NAN; space.dim()];
        space.from_uniforms(&uniforms[..space.dim()], &mut value);
        prop_assert!(space.contains(&value), "{value:?}");
        prop_assert!(space.check("value", &value).is_ok());
    }

    #[test]
    fn a_clamped_value_is_in_the_box_and_one_inside_stays(space in boxes(), value in prop::collection::vec(-1e7f32..1e7, 4)) {
        let value = &value[..space.dim()];
        let mut clamped = value.to_vec();
        space.clamp(&mut clamped);
        prop_assert!(space.contains(&clamped));
        let inside = space.contains(value);
        prop_assert_eq!(inside, clamped.iter().zip(value).all(|(a, b)| a.to_bits() == b.to_bits()));
    }

    #[test]
    fn spaces_survive_json(space in spaces()) {
        let json = serde_json::to_string(&space).unwrap();
        prop_assert_eq!(serde_json::from_str::<Space>(&json).unwrap(), space);
    }

    #[test]
    fn keys_survive_text(seed in any::<u64>(), label in ".{0,20}", i in any::<u64>()) {
        for key in [Key::root(seed), Key::root(seed).child(&label), Key::root(seed).child(&label).at(i)] {
            prop_assert_eq!(key.to_string().parse::<Key>().unwrap(), key);
        }
    }

    #[test]
    fn no_text_is_a_key_but_a_key_is(text in ".{0,100}") {
        if let Ok(key) = text.parse::<Key>() {
            prop_assert_eq!(key.to_string(), text.to_lowercase());
        }
    }

    #[test]
    fn origins_survive_bits(member in any::<u16>(), policy in 0u16..u16::MAX) {
        let origin = Origin::Model { member, policy };
        prop_assert_eq!(Origin::from_bits(origin.to_bits()), origin);
        prop_assert_eq!(Origin::from_bits(Origin::World.to_bits()), Origin::World);
    }

    #[test]
    fn noise_of_more_rows_begins_with_that_of_fewer(
        normals in 0usize..5, uniforms in 0usize..5, few in 0usize..100, more in 0usize..300, seed in any::<u64>()
    ) {
        let spec = NoiseSpec { normals, uniforms };
        let (mut short, mut long) = (NoiseBuf::default(), NoiseBuf::default());
        short.fill(spec, few, Key::root(seed));
        long.fill(spec, few + more, Key::root(seed));
        prop_assert_eq!(short.view().normals, long.view().normals.slice(0..few));
        prop_assert_eq!(short.view().uniforms, long.view().uniforms.slice(0..few));
        prop_assert_eq!(long.view().spec(), spec);
        prop_assert!(long.view().normals.find_non_finite().is_none());
        prop_assert!(long.view().uniforms.as_slice().iter().all(|u| (0.0..1.0).contains(u)));
    }

    #[test]
    fn rows_are_whole_or_refused(len in 0usize..60, dim in 0usize..8) {
        let data = vec![0.5; len];
        let whole = if dim == 0 { len == 0 } else { len % dim == 0 };
        let rows = Rows::new(&data, dim);
        prop_assert_eq!(rows.is_ok(), whole);
        if let Ok(rows) = rows {
            let mut table = RowBuf::new(dim);
            rows.iter().for_each(|row| table.push(row));
            prop_assert_eq!(table.view(), rows);
        }
    }

    #[test]
    fn snapshots_wrap_and_unwrap(numbers in prop::collection::vec(any::<f64>(), 3), words in prop::collection::vec(any::<u64>(), 1..4)) {
        let inner = Snapshot::from_f64s(&numbers);
        let mut wrapped = words.iter().fold(inner.clone(), |snapshot, word| snapshot.with(*word));
        for word in words.iter().rev() {
            let (within, found) = wrapped.split().unwrap();
            prop_assert_eq!(found, *word);
            wrapped = within;
        }
        prop_assert_eq!(&wrapped, &inner);
        let read = wrapped.to_f64s::<3>().unwrap();
        prop_assert!(read.iter().zip(&numbers).all(|(a, b)| a.to_bits() == b.to_bits()));
    }

    #[test]
    fn an_end_is_one_of_three_bytes(byte in any::<u8>()) {
        prop_assert_eq!(End::try_from(byte).map(|end| end as u8).ok(), (byte < 3).then_some(byte));
    }
}
