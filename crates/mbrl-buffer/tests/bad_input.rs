//! What cannot be is refused in one line that names the thing and the mend, and nothing changes.

mod common;

use common::{DIMS, filled, with_row};
use mbrl_buffer::{
    Bootstrap, Dims, End, Error, Key, Mixture, NStepBatch, Origin, PrioritizedBatch, PrioritizedBuffer,
    PrioritizedConfig, ReplayBuffer, Result, Split, SumTree, Transition, TransitionBatch, WindowBatch,
};

const KEY: fn() -> Key = || Key::root(0);

fn error<T: std::fmt::Debug>(result: Result<T>) -> Error {
    let error = result.expect_err("this is to be refused");
    assert!(!error.to_string().contains('\n'), "{error}");
    error
}

fn says<T: std::fmt::Debug>(result: Result<T>, text: &str) {
    let error = error(result);
    assert!(error.is_invalid() || error.is_non_finite(), "{error:?}");
    assert_eq!(error.to_string(), text);
}

#[test]
fn capacities() {
    says(ReplayBuffer::new(DIMS, 0), "the capacity of a replay buffer is 0: give room for at least one row");
    says(
        ReplayBuffer::new(DIMS, usize::MAX),
        &format!(
            "a capacity of {} rows is more than a replay buffer can number: it holds at most {}",
            usize::MAX,
            u32::MAX
        ),
    );
    // 2^32 - 1 rows of 400 MB each.
    says(
        ReplayBuffer::new(Dims { obs: 50_000_000, act: 1 }, u32::MAX as usize),
        "no memory for a replay buffer of 4294967295 rows (1717986986719476720 bytes): lower its capacity",
    );
    assert!(error(ReplayBuffer::new(Dims { obs: usize::MAX, act: 1 }, 1)).to_string().contains("too wide"));
    says(ReplayBuffer::with_lanes(DIMS, 10, 0), "a replay buffer of 0 lanes: rows arrive in at least one");
    says(
        ReplayBuffer::with_lanes(DIMS, 10, 4),
        "a capacity of 10 rows is no multiple of the 4 lanes: round it up",
    );
    let mut buffer = filled(4, 7, 3, End::Terminated);
    let before = buffer.clone();
    assert!(error(buffer.resize(0)).is_invalid() && error(buffer.resize(usize::MAX)).is_invalid());
    assert_eq!(buffer, before);
    let mut buffer = PrioritizedBuffer::new(before, PrioritizedConfig::default()).unwrap();
    let before = buffer.clone();
    assert!(error(buffer.resize(0)).to_string().contains("capacity"));
    assert!(error(buffer.resize(usize::MAX)).is_invalid());
    assert_eq!(buffer, before);
}

#[test]
fn rows() {
    let mut buffer = filled(4, 2, 9, End::Terminated);
    let before = buffer.clone();
    let wrong = " and the replay buffer holds 2: build it with the widths of its rows";
    let mend = ": a replay buffer holds finite numbers alone, drop the row or mend what made it";
    with_row(7, End::Running, |good| {
        let mut refused = |row: Transition<'_>, text: String| says(buffer.push(row), &text);
        refused(Transition { obs: &[1.0; 3], ..good }, format!("obs has 3 columns{wrong}"));
        refused(Transition { next_obs: &[], ..good }, format!("next_obs has 0 columns{wrong}"));
        let infinite = Transition { next_obs: &[0.5, f32::NEG_INFINITY], ..good };
        refused(infinite, format!("next_obs column 1 is -inf{mend}"));
        refused(Transition { act: &[f32::NAN], ..good }, format!("act column 0 is NaN{mend}"));
        let row = Transition { reward: f32::NAN, ..good };
        refused(row, format!("reward column 0 is NaN{mend}"));

        // A batch is refused as a whole.
        let mut batch = TransitionBatch::new(DIMS);
        with_row(8, End::Running, |row| batch.push(row));
        batch.push(row);
        says(buffer.extend(&batch), &format!("row 1, reward column 0 is NaN{mend}"));
        batch.reward[1] = 0.0;
        batch.obs.row_mut(1)[1] = f32::NAN;
        says(buffer.extend(&batch), &format!("row 1, obs column 1 is NaN{mend}"));
        batch.obs.row_mut(1)[1] = 0.0;
        batch.end.pop();
        says(
            buffer.extend(&batch),
            "the batch has 1 rows of end and 2 of reward: a batch has as many of each",
        );
    });
    assert!(error(buffer.extend(&TransitionBatch::new(Dims { obs: 3, act: 1 }))).is_invalid());
    assert_eq!(buffer, before);
}

#[test]
fn origins() {
    let mut buffer = filled(4, 2, 9, End::Terminated);
    let before = buffer.clone();
    let text =
        "origin is member 65535 and policy 65535, which a record cannot hold: number one of them lower";
    let mut batch = TransitionBatch::new(DIMS);
    for (member, policy) in [(65_535, 65_534), (65_534, 65_535), (65_535, 65_535)] {
        let origin = Origin::Model { member, policy };
        with_row(7, End::Running, |row| batch.push(Transition { origin, ..row }));
    }
    says(buffer.push(batch.get(2)), text);
    says(buffer.extend(&batch), &format!("row 2, {text}"));
    assert_eq!(buffer, before);
    batch.origin[2] = batch.origin[0];
    buffer.extend(&batch).unwrap();
    assert_eq!([1, 2, 3].map(|i| buffer.get(i).origin)[..], batch.origin);
}

/// A number with 300 zeros is told in a few characters.
#[test]
fn astronomical_numbers() {
    let (buffer, far) = (filled(4, 4, 9, End::Running), 1e300);
    let config = PrioritizedConfig::default();
    let mut batch = TransitionBatch::default();
    let sampled = |beta| {
        let buffer = PrioritizedBuffer::new(buffer.clone(), config)?;
        buffer.sample(3, beta, KEY(), &mut PrioritizedBatch::default())
    };
    for error in [
        error(PrioritizedConfig { alpha: far, ..config }.validate()),
        error(PrioritizedConfig { epsilon: far, ..config }.validate()),
        error(sampled(far)),
        error(SumTree::new(4).unwrap().set(1, -far)),
        error(Mixture::new(&[far]).map(|_| ())),
        error(Mixture::new(&[1.0; 3]).and_then(|m| m.sample(&[], 1, KEY(), &mut batch))),
        error(Split::by_row(&buffer, far, None, KEY())),
        error(buffer.sample_n_step(3, 3, f32::MAX, KEY(), &mut NStepBatch::default())),
        error(PrioritizedBuffer::new(buffer.clone(), config).and_then(|mut b| b.update(&[0], &[-f32::MAX]))),
    ] {
        assert!(error.is_invalid() && error.to_string().len() < 120, "{error}");
    }
}

#[test]
fn empty_buffers() {
    let empty = ReplayBuffer::new(DIMS, 10).unwrap();
    let text = "the replay buffer is empty: push a row before sampling";
    says(empty.sample(1, KEY(), &mut TransitionBatch::default()), text);
    says(empty.sample_n_step(1, 1, 0.9, KEY(), &mut NStepBatch::default()), text);
    says(empty.sample_windows(1, 1, KEY(), &mut WindowBatch::default()), text);
    assert!(error(empty.sample_distinct(1, KEY(), &mut TransitionBatch::default())).is_invalid());
    assert!(error(empty.gather(&[0], &mut TransitionBatch::default())).is_invalid());
    empty.gather(&[], &mut TransitionBatch::default()).unwrap();
    assert!(error(Split::by_episode(&empty, 0.2, None, KEY())).is_invalid());
    assert!(error(Split::by_row(&empty, 0.2, None, KEY())).is_invalid());
    let empty = PrioritizedBuffer::new(empty, PrioritizedConfig::default()).unwrap();
    says(empty.sample(1, 0.4, KEY(), &mut PrioritizedBatch::default()), text);
}

#[test]
fn samples_that_cannot_be() {
    let buffer = filled(10, 7, 3, End::Terminated);
    let mut batch = TransitionBatch::default();
    says(
        buffer.gather(&[0, 7, 9], &mut batch),
        "index 7 of a replay buffer of 7 rows: indices are below its length",
    );
    assert!(error(buffer.copy_rows(3..8, &mut batch)).is_invalid());
    says(
        buffer.sample_distinct(8, KEY(), &mut batch),
        "8 different rows of a replay buffer of 7: ask for fewer, or sample with replacement",
    );
    assert!(error(buffer.sample(usize::MAX, KEY(), &mut batch)).to_string().contains("too many"));
    let mut windows = WindowBatch::default();
    let text =
        "in the replay buffer holds 4 steps in a row: ask for shorter windows or collect longer episodes";
    says(buffer.sample_windows(2, 4, KEY(), &mut windows), &format!("no episode {text}"));
    assert!(error(buffer.sample_windows(2, 0, KEY(), &mut windows)).is_invalid());
    assert!(error(buffer.sample_windows(2, usize::MAX, KEY(), &mut windows)).is_invalid());
    assert!(error(buffer.sample_windows(usize::MAX, 3, KEY(), &mut windows)).is_invalid());
    let mut returns = NStepBatch::default();
    assert!(error(buffer.sample_n_step(2, 0, 0.9, KEY(), &mut returns)).is_invalid());
    for gamma in [f32::NAN, -0.1, 1.1] {
        assert!(error(buffer.sample_n_step(2, 3, gamma, KEY(), &mut returns)).is_invalid());
    }
    // Rows that are named: of seven in episodes of three.
    let text = "a window of 3 rows from row 4 would cross the end of its episode: ask for shorter ones, or begin earlier";
    says(buffer.gather_windows(&[0, 3, 4], 3, &mut windows), text);
    assert!(error(buffer.gather_windows(&[5], 3, &mut windows)).is_invalid());
    assert!(error(buffer.gather_windows(&[7], 1, &mut windows)).to_string().starts_with("index 7 of"));
    assert!(error(buffer.gather_windows(&[0], 0, &mut windows)).is_invalid());
    assert!(error(buffer.gather_windows(&[0], usize::MAX, &mut windows)).is_invalid());
    buffer.gather_windows(&[0, 3, 3], 3, &mut windows).unwrap();
    assert_eq!((windows.windows(), windows.rows.len()), (3, 9));
    assert!(error(buffer.gather_n_step(&[0, 7], 3, 0.9, &mut returns)).to_string().starts_with("index 7"));
    assert!(error(buffer.gather_n_step(&[0], 0, 0.9, &mut returns)).is_invalid());
    assert!(error(buffer.gather_n_step(&[0], 1, 1.1, &mut returns)).is_invalid());
    let mut single = ReplayBuffer::unordered(DIMS, 4).unwrap();
    common::push(&mut single, 0, End::Running);
    let text =
        "a window of 2 rows of an unordered replay buffer, whose rows continue nothing: ask for windows of 1";
    says(single.sample_windows(1, 2, KEY(), &mut windows), text);
    let mut huge = ReplayBuffer::new(Dims { obs: 0, act: 0 }, 2).unwrap();
    for _ in 0..2 {
        with_row(0, End::Running, |row| {
            huge.push(Transition { obs: &[], act: &[], next_obs: &[], reward: f32::MAX, ..row })
        })
        .unwrap();
    }
    assert!(error(huge.sample_n_step(20, 2, 1.0, KEY(), &mut returns)).is_non_finite());
    let mut bootstrap = Bootstrap::new(&[3, 9], 2, KEY()).unwrap();
    assert!(bootstrap.minibatches(9).all(|minibatch| minibatch.gather(&buffer, &mut batch).is_err()));
}

#[test]
fn mixtures() {
    let (full, empty) = (filled(4, 4, 9, End::Running), ReplayBuffer::new(DIMS, 4).unwrap());
    let wide = ReplayBuffer::new(Dims { obs: 5, act: 1 }, 4).unwrap();
    let mut batch = TransitionBatch::default();
    let mut sample = |shares: &[f64], sources: &[&ReplayBuffer]| {
        Mixture::new(shares)?.sample(sources, 256, KEY(), &mut batch).map(|()| batch.len())
    };
    says(sample(&[0.5, 0.6], &[&full, &full]), "the shares of a mixture sum to 1.1: make it 1");
    says(sample(&[0.5, f64::NAN], &[&full, &full]), "share 1 of a mixture is NaN: expected 0 to 1");
    says(
        sample(&[0.05, 0.95], &[&full, &empty]),
        "source 1 of the mixture is empty and its share is 0.95: fill it first, or give it no share",
    );
    says(sample(&[1.0], &[&full, &empty]), "2 sources for a mixture of 1 shares: give one for each");
    assert!(error(sample(&[0.5, 0.5], &[&full, &wide])).to_string().contains("same widths"));
    assert_eq!(sample(&[1.0, 0.0], &[&full, &empty]).unwrap(), 256);
}

#[test]
fn priorities() {
    let config = PrioritizedConfig::default();
    for (alpha, beta, epsilon) in [(-0.1, 0.4, 0.0), (0.6, 1.1, 0.0), (f64::NAN, 0.4, 0.0), (0.6, 0.4, -1.0)]
    {
        let config = PrioritizedConfig { alpha, beta, epsilon };
        assert!(error(PrioritizedBuffer::new(filled(4, 4, 9, End::Running), config)).is_invalid());
    }
    let mut buffer = PrioritizedBuffer::new(filled(4, 4, 9, End::Running), config).unwrap();
    let before = buffer.clone();
    assert!(error(buffer.update(&[0, 1], &[1.0])).is_invalid());
    says(buffer.update(&[0, 4], &[2.0, 2.0]), "no row has had id 4 yet: ids come with a sampled batch");
    for bad in [f32::NAN, f32::INFINITY] {
        assert!(error(buffer.update(&[0, 1], &[2.0, bad])).is_non_finite());
    }
    assert!(error(buffer.update(&[0, 1], &[2.0, -1.0])).is_invalid());
    assert!(error(buffer.sample(3, 1.5, KEY(), &mut PrioritizedBatch::default())).is_invalid());
    with_row(4, End::Running, |mut row| {
        row.reward = f32::NAN;
        assert!(buffer.push(row).is_err());
    });
    assert_eq!(buffer, before);
}
