//! The examples do what they say.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

#[path = "../examples/rapier2d.rs"]
mod puck;

use mbrl_core::RowBuf;

#[test]
fn a_puck_is_led_around_a_wall_in_a_simulator_of_somebody_else() {
    puck::main().unwrap();
}

/// Among the states are some that touch the wall, at its side and at its corners.
#[test]
fn a_simulator_of_somebody_else_is_put_where_it_was_and_goes_the_same_way() {
    let (mut state, mut act) = (RowBuf::new(4), RowBuf::new(2));
    for i in 0..40u8 {
        let [x, y] = [f32::from(i % 8) * 0.1 - 0.3, f32::from(i / 8) * 0.3 - 0.6];
        state.push(&[x, y, 2.0 - f32::from(i % 5), 0.5 * f32::from(i % 3)]);
        let back = puck::Rink::at(state.row(i.into())).state();
        assert_eq!(back.map(f32::to_bits), [0, 1, 2, 3].map(|k| state.row(i.into())[k].to_bits()));
        act.push(&[4.0 - f32::from(i % 9), f32::from(i % 7) - 3.0]);
    }
    mbrl_testkit::check_model(&puck::RinkModel, state.view(), act.view()).unwrap();
}
