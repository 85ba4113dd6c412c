//! What environments look like: the geometry of a sketch is that of the equations.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use mbrl_core::{Env, Key, Space, TabularMdp};
use mbrl_envs::{ALL, Entry, Form, Role, Shape, Sketch, find};
use std::mem::discriminant;

fn sketch(name: &str, obs: &[f32]) -> Sketch {
    find(name).unwrap().sketch(obs).unwrap().unwrap()
}

fn of(sketch: &Sketch, role: Role) -> Vec<&Form> {
    sketch.shapes.iter().filter(|shape| shape.role == role).map(|shape| &shape.form).collect()
}

fn rod(form: &Form) -> [[f64; 2]; 2] {
    let Form::Rod { ends, .. } = form else { panic!("{form:?} is no rod") };
    *ends
}

fn disc(form: &Form) -> ([f64; 2], f64) {
    let Form::Disc { center, radius } = form else { panic!("{form:?} is no disc") };
    (*center, *radius)
}

fn distance([ax, ay]: [f64; 2], [bx, by]: [f64; 2]) -> f64 {
    (ax - bx).hypot(ay - by)
}

fn is_at(point: [f64; 2], place: [f64; 2]) {
    assert!(distance(point, place) < 1e-6, "{point:?} for {place:?}");
}

/// Observations along episodes of random actions.
fn seen(entry: &Entry) -> Vec<Vec<f32>> {
    let mut env = entry.make();
    let mut obs = vec![0.0; env.spec().obs.dim()];
    let key = Key::root(3);
    env.reset(key.child("reset"), &mut obs).unwrap();
    let mut all = vec![obs.clone()];
    for step in 0..200 {
        let act: Vec<f32> = match &env.spec().act {
            Space::Box(_) => (0..env.spec().act.dim()).map(|i| ((step * 7 + i) as f32).sin()).collect(),
            Space::Discrete { n } => vec![(step as u32 % n) as f32],
        };
        let came = env.step(&act, key.at(step as u64), &mut obs).unwrap();
        all.push(obs.clone());
        if came.end.is_end() {
            env.reset(key.child("reset").at(step as u64), &mut obs).unwrap();
        }
    }
    all
}

#[test]
fn sketches_of_a_world_differ_in_places_alone() {
    for entry in ALL {
        let all: Vec<Option<Sketch>> = seen(entry).iter().map(|obs| entry.sketch(obs).unwrap()).collect();
        let is_finite = entry.mdp().as_ref().map(TabularMdp::states).is_some();
        assert!(all.iter().all(|sketch| sketch.is_none() == is_finite), "{}", entry.name);
        let sketches: Vec<&Sketch> = all.iter().flatten().collect();
        let Some(first) = sketches.first() else { continue };
        let [[left, bottom], [right, top]] = first.view;
        assert!(left < right && bottom < top);
        let is_alike = |a: &Shape, b: &Shape| {
            let still = a.role != Role::Scenery || a == b;
            let same_size = (a.form.radius() - b.form.radius()).abs() < 1e-12;
            let same_points = a.form.points().len() == b.form.points().len();
            still
                && a.role == b.role
                && discriminant(&a.form) == discriminant(&b.form)
                && same_size
                && same_points
        };
        for sketch in &sketches {
            assert_eq!(sketch.view, first.view);
            assert_eq!(sketch.shapes.len(), first.shapes.len());
            assert!(sketch.shapes.iter().zip(&first.shapes).all(|(a, b)| is_alike(a, b)), "{sketch:?}");
            let numbers = sketch.shapes.iter().flat_map(|shape| shape.form.points()).flatten();
            assert!(numbers.copied().all(f64::is_finite), "{sketch:?}");
        }
        let moves = |i: usize| sketches.iter().any(|sketch| sketch.shapes[i] != first.shapes[i]);
        assert!(
            (0..first.shapes.len())
                .all(|i| moves(i) == (first.shapes[i].role == Role::Body)
                    || first.shapes[i].role == Role::Goal),
            "{}",
            entry.name
        );
    }
}

#[test]
fn an_observation_that_is_none_has_no_sketch() {
    let pendulum = find("pendulum").unwrap();
    let said = pendulum.sketch(&[1.0, 0.0]).unwrap_err().to_string();
    assert!(said.contains("observation") && said.contains('2') && said.contains('3'), "{said}");
    let said = pendulum.sketch(&[1.0, 0.0, f32::NAN]).unwrap_err().to_string();
    assert!(said.contains("observation[2] is NaN"), "{said}");
}

#[test]
fn a_pendulum_that_is_upright_has_its_tip_above_and_turns_counterclockwise() {
    for (obs, tip) in [
        ([1.0, 0.0, 0.0], [0.0, 1.0]),
        ([-1.0, 0.0, 0.0], [0.0, -1.0]),
        ([0.0, 1.0, 0.0], [-1.0, 0.0]),
        ([0.0, -1.0, 0.0], [1.0, 0.0]),
    ] {
        let sketch = sketch("pendulum", &obs);
        let [pivot, end] = rod(of(&sketch, Role::Body)[0]);
        is_at(pivot, [0.0, 0.0]);
        is_at(end, tip);
    }
}

#[test]
fn carts_are_where_they_are_and_poles_lean_to_where_the_angle_grows() {
    let angle = 0.1_f64;
    let (sin, cos) = angle.sin_cos();
    for (name, obs) in [
        ("cartpole", vec![0.7, 0.0, angle as f32, 0.0]),
        ("cartpole-swingup", vec![0.7, cos as f32, sin as f32, 0.0, 0.0]),
        ("cartpole-swingup-sparse", vec![0.7, cos as f32, sin as f32, 0.0, 0.0]),
    ] {
        let sketch = sketch(name, &obs);
        let bodies = of(&sketch, Role::Body);
        let corners = bodies[0].points();
        let middle = corners.iter().map(|[x, _]| x).sum::<f64>() / corners.len() as f64;
        assert!((middle - 0.7).abs() < 1e-6, "{middle}");
        let [hinge, tip] = rod(bodies[1]);
        is_at(hinge, [middle, 0.0]);
        is_at(tip, [middle + sin, cos]);
    }
}

/// The sketch has the signs of the equations: by inertia the tip stays behind, of a pole that stands and of one that hangs.
#[test]
fn a_cart_that_is_pushed_leaves_the_tip_of_its_pole_behind() {
    for name in ["cartpole", "cartpole-swingup"] {
        let entry = find(name).unwrap();
        let mut env = entry.make();
        let mut obs = vec![0.0; env.spec().obs.dim()];
        env.reset(Key::root(0), &mut obs).unwrap();
        let pole = |obs: &[f32]| rod(of(&entry.sketch(obs).unwrap().unwrap(), Role::Body)[1]);
        let before = pole(&obs);
        for step in 0..5 {
            env.step(&[1.0], Key::root(1).at(step), &mut obs).unwrap();
        }
        let after = pole(&obs);
        assert!(after[0][0] > before[0][0], "{name}: {before:?} {after:?}");
        assert!(after[1][0] - after[0][0] < before[1][0] - before[0][0], "{name}: {before:?} {after:?}");
    }
}

#[test]
fn the_tip_of_the_reacher_is_that_of_its_reward() {
    let entry = find("reacher").unwrap();
    let mut env = entry.make();
    let mut obs = vec![0.0; 8];
    for episode in 0..5 {
        env.reset(Key::root(episode), &mut obs).unwrap();
        for step in 0..60 {
            let came = env.step(&[0.0, 0.0], Key::root(9).at(step), &mut obs).unwrap();
            let sketch = entry.sketch(&obs).unwrap().unwrap();
            let bodies = of(&sketch, Role::Body);
            let ([base, elbow], [joint, tip]) = (rod(bodies[0]), rod(bodies[1]));
            is_at(base, [0.0, 0.0]);
            is_at(joint, elbow);
            // Without effort the reward is the distance alone.
            let (target, _) = disc(of(&sketch, Role::Goal)[0]);
            assert!((distance(tip, target) + f64::from(came.reward)).abs() < 1e-5, "{sketch:?}");
            assert!((distance(tip, elbow) - 0.5).abs() < 1e-9);
        }
    }
}

#[test]
fn the_tip_of_the_acrobot_is_that_of_its_reward() {
    let entry = find("acrobot-swingup").unwrap();
    let mut env = entry.make();
    let mut obs = vec![0.0; 6];
    for episode in 0..20 {
        env.reset(Key::root(episode), &mut obs).unwrap();
        let came = env.step(&[0.0], Key::root(9), &mut obs).unwrap();
        let sketch = entry.sketch(&obs).unwrap().unwrap();
        let bodies = of(&sketch, Role::Body);
        let ([_, elbow], [joint, tip]) = (rod(bodies[0]), rod(bodies[1]));
        is_at(joint, elbow);
        let (target, radius) = disc(of(&sketch, Role::Goal)[0]);
        let beyond = (distance(tip, target) - radius).max(0.0);
        let earned = 0.1_f64.powf(beyond * beyond);
        assert!((earned - f64::from(came.reward)).abs() < 1e-5, "{earned} for {}", came.reward);
    }
    let upright = sketch("acrobot-swingup", &[0.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
    is_at(rod(of(&upright, Role::Body)[1])[1], [0.0, 2.0]);
}

/// v' = v − 0.0025 cos 3x: gravity pulls down the slope that is drawn, and by as much.
#[test]
fn the_mountain_car_stands_on_a_hill_that_pulls_as_steep_as_it_is() {
    for i in 0..=30 {
        let x = -1.1 + 1.6 * f64::from(i) / 30.0;
        let sketch = sketch("mountain-car", &[x as f32, 0.0]);
        let (center, radius) = disc(of(&sketch, Role::Body)[0]);
        let ground = of(&sketch, Role::Scenery)[0].points();
        let nearest = ground
            .windows(2)
            .flat_map(|pair| {
                (0..=20)
                    .map(move |k| f64::from(k) / 20.0)
                    .map(move |t| std::array::from_fn(|i| (1.0 - t) * pair[0][i] + t * pair[1][i]))
            })
            .min_by(|a, b| distance(*a, center).total_cmp(&distance(*b, center)))
            .unwrap();
        // The ground is drawn by sixty straight pieces.
        assert!((distance(nearest, center) - radius).abs() < 2e-3, "{x}: {nearest:?} {center:?}");
        assert!((nearest[0] - x).abs() < 5e-3, "{x}: {nearest:?}");
    }
    let sketch = sketch("mountain-car", &[-0.5, 0.0]);
    for pair in of(&sketch, Role::Scenery)[0].points().windows(2) {
        let slope = (pair[1][1] - pair[0][1]) / (pair[1][0] - pair[0][0]);
        let pull = 0.0025 * (1.5 * (pair[0][0] + pair[1][0])).cos();
        assert!((slope - 540.0 * pull).abs() < 2e-3, "{slope} for {pull}");
    }
}

#[test]
fn points_and_masses_are_where_they_are_and_the_goal_is_the_origin() {
    let sketched = sketch("point-mass", &[0.25, -0.5, 3.0, 1.0]);
    is_at(disc(of(&sketched, Role::Body)[0]).0, [0.25, -0.5]);
    is_at(disc(of(&sketched, Role::Goal)[0]).0, [0.0, 0.0]);
    let sketched = sketch("lqr", &[-0.75, 2.0]);
    let middle = |form: &Form| form.points().iter().map(|[x, _]| x).sum::<f64>() / 4.0;
    assert!((middle(of(&sketched, Role::Body)[0]) + 0.75).abs() < 1e-6);
    assert!(middle(of(&sketched, Role::Goal)[0]).abs() < 1e-12);
}
