//! What every planner promises, under each of its presets.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use mbrl_core::{Key, Result, RowBuf, Rows, Space};
use mbrl_plan::{ActionOptimizer, Found, PLANNERS, PerPlan, PlannerConfig, WarmStart};
use mbrl_testkit::{CountingAlloc, allocations};
use proptest::prelude::*;

#[global_allocator]
static ALLOC: CountingAlloc = CountingAlloc;

/// Every preset with a space that it searches in.
fn all(real: &Space) -> Vec<(String, PlannerConfig, Space)> {
    let mut all = Vec::new();
    for entry in PLANNERS {
        for preset in entry.presets {
            let config = (preset.config)();
            let name = format!("{} {}", entry.name, preset.name);
            let discrete = Space::discrete(5).unwrap();
            match entry.name {
                "categorical-cem" => all.push((name, config, discrete)),
                "random-shooting" => {
                    all.push((name.clone(), config, discrete));
                    all.push((name, config, real.clone()));
                }
                _ => all.push((name, config, real.clone())),
            }
        }
    }
    all
}

fn lopsided() -> Space {
    Space::bounded(&[-1.0, 0.5], &[1.0, 4.0]).unwrap()
}

fn toward(plan: &[f32]) -> f64 {
    -plan.iter().enumerate().map(|(i, x)| f64::from(x - 0.3 * (i % 5) as f32).powi(2)).sum::<f64>()
}

fn search(planner: &mut dyn ActionOptimizer, key: Key) -> (Found, Vec<f32>) {
    let mut plan = RowBuf::zeros(planner.horizon(), planner.act_dim());
    let found = planner.optimize(&mut PerPlan(toward), key, plan.view_mut()).unwrap();
    (found, plan.as_slice().to_vec())
}

#[test]
fn nothing_is_allocated_after_the_first_search() {
    for (name, config, act) in all(&lopsided()) {
        let mut planner = config.build(&act, 7).unwrap();
        let mut plan = RowBuf::zeros(7, act.dim());
        let mut score = PerPlan(toward);
        planner.optimize(&mut score, Key::root(0), plan.view_mut()).unwrap();
        let (_, made) = allocations(|| {
            for t in 1..6 {
                planner.shift(1);
                planner.optimize(&mut score, Key::root(t), plan.view_mut()).unwrap();
            }
            planner.reset();
            planner.optimize(&mut score, Key::root(7), plan.view_mut()).unwrap();
        });
        assert_eq!(made.count, 0, "{name}");
    }
}

#[test]
fn evaluations_are_counted_and_bounded() {
    for (name, config, act) in all(&lopsided()) {
        let mut planner = config.build(&act, 4).unwrap();
        for t in 0..3 {
            let (mut rows, mut calls, mut best) = (0, 0, f64::NEG_INFINITY);
            let mut score = |plans: Rows<'_>, _: Key, scores: &mut [f64]| {
                (rows, calls) = (rows + plans.len(), calls + 1);
                assert_eq!(plans.dim(), 4 * act.dim());
                scores.iter_mut().zip(plans.iter()).for_each(|(score, plan)| *score = toward(plan));
                best = scores.iter().copied().fold(best, f64::max);
                Ok(())
            };
            let mut plan = RowBuf::zeros(4, act.dim());
            let found = planner.optimize(&mut score, Key::root(t), plan.view_mut()).unwrap();
            assert_eq!((found.evaluations, found.iterations, found.non_finite), (rows, calls, 0), "{name}");
            assert!(found.evaluations <= config.evaluations(), "{name}");
            assert!((found.score - best).abs() < 1e-15, "{name}: {} for {best}", found.score);
            planner.shift(1);
        }
    }
}

#[test]
fn one_round_shares_one_key_and_no_two_rounds_do() {
    for (name, config, act) in all(&lopsided()) {
        let mut keys = Vec::new();
        let mut score = |plans: Rows<'_>, key: Key, scores: &mut [f64]| {
            keys.push(key.to_string());
            scores.iter_mut().zip(plans.iter()).for_each(|(score, plan)| *score = toward(plan));
            Ok(())
        };
        let mut planner = config.build(&act, 3).unwrap();
        for t in 0..2 {
            planner.optimize(&mut score, Key::root(t), RowBuf::zeros(3, act.dim()).view_mut()).unwrap();
        }
        let calls = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), calls, "{name}");
    }
}

#[test]
fn equal_keys_give_equal_plans_and_others_do_not() {
    for (name, config, act) in all(&lopsided()) {
        let fresh = || config.build(&act, 6).unwrap();
        let (a, b) = (search(&mut *fresh(), Key::root(3)), search(&mut *fresh(), Key::root(3)));
        assert_eq!(a, b, "{name}");
        // What was searched for before leaves no trace but the warm start.
        let mut used = fresh();
        search(&mut *used, Key::root(9));
        used.reset();
        assert_eq!(search(&mut *used, Key::root(3)), a, "{name}");
        if act.choices().is_none() {
            assert_ne!(search(&mut *fresh(), Key::root(4)).1, a.1, "{name}");
        }
    }
}

/// A third of all plans, by the sign of what they begin with, have no score; among them the best.
#[test]
fn plans_without_a_score_are_counted_and_not_taken() {
    let act = Space::bounded(&[-1.0], &[2.0]).unwrap();
    for (name, config, act) in all(&act) {
        let bad = |plan: &[f32]| if act.choices().is_some() { plan[0] > 2.5 } else { plan[0] > 1.0 };
        let mut seen = 0;
        let mut score = |plans: Rows<'_>, key: Key, scores: &mut [f64]| {
            for (i, (score, plan)) in scores.iter_mut().zip(plans.iter()).enumerate() {
                let lost = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY][(i + key.bits() as usize % 2) % 3];
                *score = if bad(plan) { lost } else { f64::from(plan[0]) };
                seen += usize::from(bad(plan));
            }
            Ok(())
        };
        let mut planner = config.build(&act, 2).unwrap();
        let mut plan = RowBuf::zeros(2, 1);
        let found = planner.optimize(&mut score, Key::root(0), plan.view_mut()).unwrap();
        assert!(found.non_finite > 0 && found.non_finite == seen, "{name}: {found:?}");
        assert!(found.score.is_finite() && !bad(plan.as_slice()), "{name}: {found:?}, {plan:?}");
    }
}

#[test]
fn where_no_plan_has_a_score_the_error_says_so_and_nothing_is_learnt() {
    for (name, config, act) in all(&lopsided()) {
        let mut planner = config.build(&act, 2).unwrap();
        search(&mut *planner, Key::root(0));
        planner.shift(1);
        let (before, mut plan) = (planner.warm_start(), RowBuf::zeros(2, act.dim()));
        let mut nothing = PerPlan(|_: &[f32]| f64::NAN);
        let error = planner.optimize(&mut nothing, Key::root(1), plan.view_mut()).unwrap_err();
        let text = error.to_string();
        assert!(
            error.is_non_finite() && text.starts_with("none of the ") && text.contains("reward"),
            "{text}"
        );
        assert_eq!(planner.warm_start(), before, "{name}");
        let mut fails =
            |_: Rows<'_>, _: Key, _: &mut [f64]| -> Result<()> { Err(mbrl_core::Error::stale("model")) };
        assert!(planner.optimize(&mut fails, Key::root(1), plan.view_mut()).unwrap_err().is_stale());
        assert_eq!(planner.warm_start(), before, "{name}");
    }
}

#[test]
fn a_table_of_another_shape_is_refused() {
    for (name, config, act) in all(&lopsided()) {
        let mut planner = config.build(&act, 3).unwrap();
        let mut plan = RowBuf::zeros(2, act.dim());
        let error = planner.optimize(&mut PerPlan(toward), Key::root(0), plan.view_mut()).unwrap_err();
        let expected = format!("give one of [horizon, act], [3, {}]", act.dim());
        assert!(error.is_invalid() && error.to_string().ends_with(&expected), "{name}: {error}");
    }
}

#[test]
fn a_warm_start_of_another_planner_is_refused() {
    let real = lopsided();
    for (name, config, act) in all(&real) {
        let mut planner = config.build(&act, 3).unwrap();
        search(&mut *planner, Key::root(0));
        let good = planner.warm_start();
        let longer = WarmStart { center: [&good.center[..], &[0.5]].concat(), ..good.clone() };
        let mut refused = vec![longer, WarmStart { kept: vec![9.0; 5], ..good.clone() }];
        if !good.center.is_empty() {
            for wrong in [f32::NAN, 100.0] {
                let mut far = good.clone();
                far.center[1] = wrong;
                refused.push(far);
            }
        }
        if !good.kept.is_empty() {
            let mut far = good.clone();
            far.kept[0] = -7.0;
            refused.push(far);
        }
        for bad in refused {
            let error = planner.resume(&bad).unwrap_err();
            assert!(error.is_invalid() && error.to_string().contains("warm start"), "{name}: {error}");
            assert_eq!(planner.warm_start(), good, "{name}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Over bounds that are neither symmetric nor equal, and plans that are searched for from warm starts.
    #[test]
    fn no_plan_leaves_its_bounds(
        low in prop::collection::vec(-1e3f32..1e3, 2),
        width in prop::collection::vec(1e-3f32..1e3, 2),
        seed in any::<u64>(),
    ) {
        let high: Vec<f32> = low.iter().zip(&width).map(|(low, width)| low + width).collect();
        let act = Space::bounded(&low, &high).unwrap();
        for (name, config, act) in all(&act) {
            let mut outside = 0;
            // The best is at a corner, where it is easiest to overstep.
            let mut score = |plans: Rows<'_>, _: Key, scores: &mut [f64]| {
                for (score, plan) in scores.iter_mut().zip(plans.iter()) {
                    *score = plan.iter().map(|x| f64::from(*x)).sum();
                    outside += plan.chunks_exact(act.dim()).filter(|a| !act.contains(a)).count();
                }
                Ok(())
            };
            let mut planner = config.build(&act, 4).unwrap();
            let mut plan = RowBuf::zeros(4, act.dim());
            for t in 0..3 {
                planner.optimize(&mut score, Key::root(seed).at(t), plan.view_mut()).unwrap();
                prop_assert!(plan.view().iter().all(|a| act.contains(a)), "{}: {:?}", name, plan);
                planner.shift(t as usize);
            }
            prop_assert_eq!(outside, 0, "{}", name);
        }
    }

    /// Whatever was done before: what is kept, written down as JSON and read back, goes on with the same bits.
    #[test]
    fn a_warm_start_goes_on_where_it_was_kept(steps in prop::collection::vec(0usize..6, 0..4), seed in any::<u64>()) {
        for (name, config, act) in all(&lopsided()) {
            let mut planner = config.build(&act, 4).unwrap();
            for (t, step) in steps.iter().enumerate() {
                search(&mut *planner, Key::root(seed).at(t as u64));
                planner.shift(*step);
            }
            let json = serde_json::to_string(&planner.warm_start()).unwrap();
            let kept: WarmStart = serde_json::from_str(&json).unwrap();
            let mut other = config.build(&act, 4).unwrap();
            search(&mut *other, Key::root(seed).at(99));
            other.resume(&kept).unwrap();
            prop_assert_eq!(other.warm_start(), planner.warm_start(), "{}", name);
            for t in 0..2 {
                let key = Key::root(seed).child("next").at(t);
                prop_assert_eq!(search(&mut *other, key), search(&mut *planner, key), "{}", name);
                other.shift(1);
                planner.shift(1);
            }
            planner.reset();
            let fresh = config.build(&act, 4).unwrap();
            prop_assert_eq!(planner.warm_start(), fresh.warm_start(), "{}", name);
        }
    }
}
