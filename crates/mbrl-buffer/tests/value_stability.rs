//! What each sampler draws under a fixed key.
//!
//! Moving any of these numbers changes every result ever recorded: it is a "Value-changing" entry of the changelog.

mod common;

use common::{filled, serial_of};
use mbrl_buffer::{
    Bootstrap, End, Key, Mixture, NStepBatch, PrioritizedBatch, PrioritizedBuffer, PrioritizedConfig, Split,
    TransitionBatch, WindowBatch,
};

fn serials(batch: &TransitionBatch) -> Vec<u32> {
    batch.iter().map(serial_of).collect()
}

#[test]
fn uniform() {
    let (buffer, mut batch) = (filled(100, 250, 20, End::Truncated), TransitionBatch::default());
    buffer.sample(10, Key::root(0), &mut batch).unwrap();
    assert_eq!(serials(&batch), [247, 175, 177, 172, 155, 209, 226, 168, 247, 153]);
    buffer.sample_distinct(10, Key::root(0), &mut batch).unwrap();
    assert_eq!(serials(&batch), [247, 155, 175, 153, 209, 172, 204, 177, 168, 226]);
    buffer.sample_distinct(60, Key::root(0), &mut batch).unwrap();
    assert_eq!(serials(&batch)[..10], [204, 247, 196, 180, 173, 189, 185, 154, 165, 236]);
    Mixture::new(&[0.3, 0.7]).unwrap().sample(&[&buffer, &buffer], 10, Key::root(0), &mut batch).unwrap();
    assert_eq!(serials(&batch), [204, 227, 230, 188, 210, 159, 230, 167, 237, 216]);
}

#[test]
fn windows_and_returns() {
    let buffer = filled(100, 250, 20, End::Truncated);
    let (mut windows, mut returns) = (WindowBatch::default(), NStepBatch::default());
    buffer.sample_windows(10, 5, Key::root(0), &mut windows).unwrap();
    assert_eq!(windows.first, [93, 24, 25, 21, 5, 56, 73, 17, 93, 3]);
    buffer.sample_windows(10, 20, Key::root(0), &mut windows).unwrap();
    assert_eq!(windows.first, [70, 70, 10, 10, 10, 10, 30, 50, 70, 50]);
    buffer.sample_n_step(10, 3, 0.5, Key::root(0), &mut returns).unwrap();
    assert_eq!(
        returns.rows.reward.iter().map(|r| *r as u32).collect::<Vec<_>>(),
        [433, 307, 310, 302, 272, 366, 396, 295, 433, 268]
    );
}

#[test]
fn priorities() {
    let buffer = filled(100, 100, 20, End::Truncated);
    let mut buffer = PrioritizedBuffer::new(buffer, PrioritizedConfig::default()).unwrap();
    let priorities: Vec<f32> = (0..100).map(|i| i as f32).collect();
    buffer.update(&(0..100).collect::<Vec<_>>(), &priorities).unwrap();
    let mut batch = PrioritizedBatch::default();
    buffer.sample(10, 0.5, Key::root(0), &mut batch).unwrap();
    assert_eq!(batch.ids, [28, 46, 93, 75, 85, 60, 66, 56, 95, 19]);
}

#[test]
fn bootstraps_and_splits() {
    let mut bootstrap = Bootstrap::new(&(0..100).collect::<Vec<_>>(), 2, Key::root(0)).unwrap();
    assert_eq!(bootstrap.member(1)[..10], [82, 9, 58, 75, 57, 17, 66, 5, 32, 5]);
    bootstrap.shuffle(Key::root(1));
    assert_eq!(bootstrap.member(1)[..10], [77, 78, 2, 74, 61, 10, 90, 31, 82, 75]);
    let buffer = filled(100, 100, 5, End::Truncated);
    assert_eq!(
        Split::by_row(&buffer, 0.1, None, Key::root(0)).unwrap().holdout,
        [4, 9, 18, 25, 31, 50, 53, 74, 84, 91]
    );
    assert_eq!(
        Split::by_episode(&buffer, 0.1, None, Key::root(0)).unwrap().holdout,
        [5, 6, 7, 8, 9, 80, 81, 82, 83, 84]
    );
}
