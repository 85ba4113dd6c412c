//! Metrics on states, and errors in the Wasserstein distance.

use super::*;

#[test]
fn tables_that_are_no_metric_are_refused_by_name() {
    let values = StateMetric::discrete(2).unwrap().lipschitz(&[f64::NAN, 1.0]);
    assert!(values.unwrap_err().to_string().contains("the value of state 0 is NaN"));
    for (states, distances, says) in [
        (0, vec![], "0 distances for 0 states"),
        (2, vec![0.0; 3], "3 distances for 2 states"),
        (2, vec![0.0, 1.0, 2.0, 0.0], "from state 0 to 1 is 1 and back is 2: expected the same"),
        (2, vec![0.0, 0.0, 0.0, 0.0], "from state 0 to 1 is 0: expected a finite number above 0"),
        (2, vec![0.0, 1.0, 1.0, 0.5], "from state 1 to 1 is 0.5: expected 0"),
        (2, vec![0.0, -1.0, -1.0, 0.0], "from state 0 to 1 is -1"),
        (2, vec![0.0, f64::NAN, f64::NAN, 0.0], "from state 0 to 1 is NaN"),
        (2, vec![f64::NAN, 1.0, 1.0, 0.0], "from state 0 to 0 is NaN"),
        (2, vec![0.0, f64::INFINITY, f64::INFINITY, 0.0], "from state 0 to 1 is inf"),
        (
            3,
            vec![0.0, 1.0, 3.0, 1.0, 0.0, 1.0, 3.0, 1.0, 0.0],
            "from state 0 to 2 is 3 but 2 by state 1: expected no way round to be shorter",
        ),
    ] {
        let error = StateMetric::new(states, distances).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
    let error = StateMetric::discrete(2).unwrap().lipschitz(&[0.0; 3]).unwrap_err().to_string();
    assert!(error.contains("a metric of 2 states where there are 3"), "{error}");
}

/// Distances between points of a plane, of which no two are the same.
fn plane(points: &[(f64, f64)]) -> StateMetric {
    let far = |(i, a): (usize, &(f64, f64)), (j, b): (usize, &(f64, f64))| {
        if i == j { 0.0 } else { 0.01 + (a.0 - b.0).hypot(a.1 - b.1) }
    };
    let rows = points.iter().enumerate();
    let distances = rows.flat_map(|a| points.iter().enumerate().map(move |b| far(a, b)));
    StateMetric::new(points.len(), distances.collect()).unwrap()
}

proptest! {
    #![proptest_config(many(3000))]

    #[test]
    fn the_bounds_hold_in_the_wasserstein_distance(
        case in cases(),
        points in prop::collection::vec((-5.0f64..5.0, -5.0f64..5.0), 5),
    ) {
        let Case { worlds, policy, gamma, .. } = case;
        let metric = plane(&points[..worlds.truth().states()]);
        let lemma = telescope(&worlds, &policy, gamma).unwrap();
        let c = lemma.lipschitz(&metric).unwrap();
        let u = ErrorEstimate::wasserstein(&worlds, &metric).unwrap();
        // Points may be a hundredth apart, which makes values as much steeper.
        let slack = 100.0 * rounding(&worlds, gamma);
        for (state, action) in worlds.acted() {
            prop_assert!(lemma.g(state, action).abs() <= c * u.of(state, action) + slack);
        }
        let bound = returned(&penalized(&worlds, &u, gamma * c).unwrap(), &policy, gamma);
        prop_assert!(bound <= lemma.true_return + 100.0 * slack, "{bound} {}", lemma.true_return);
        prop_assert!(smallest_lambda(&worlds, &policy, &u, gamma).unwrap() <= gamma * c * (1.0 + 1e-6));
    }

    #[test]
    fn where_all_states_are_one_apart_it_is_the_total_variation(case in cases()) {
        let Case { worlds, policy, gamma, .. } = case;
        let discrete = StateMetric::discrete(worlds.truth().states()).unwrap();
        let lemma = telescope(&worlds, &policy, gamma).unwrap();
        prop_assert!((lemma.lipschitz(&discrete).unwrap() - lemma.span()).abs() <= rounding(&worlds, gamma));
        let (w1, tv) =
            (ErrorEstimate::wasserstein(&worlds, &discrete).unwrap(), ErrorEstimate::total_variation(&worlds));
        for (w1, tv) in w1.as_slice().iter().zip(tv.as_slice()) {
            prop_assert!((w1 - tv).abs() < 1e-12, "{w1} {tv}");
        }
    }
}

#[test]
fn a_near_miss_is_a_small_error_only_where_states_have_distances() {
    // A line of three states that earn 0, 1 and 2 for ever; the model puts the successor of 0 one state further than it is.
    let truth = [[0.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    let rewards = [0.0, 1.0, 2.0].iter().flat_map(|r| [*r; 3]).collect();
    let truth = TabularMdp::new(1, truth.concat(), rewards, vec![1.0, 0.0, 0.0], vec![false; 3]).unwrap();
    let model = [[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    let worlds = ModelledMdp::new(&truth, model.concat()).unwrap();
    let line = StateMetric::new(3, vec![0.0, 1.0, 2.0, 1.0, 0.0, 1.0, 2.0, 1.0, 0.0]).unwrap();
    let lemma = telescope(&worlds, &TabularPolicy::uniform(&truth), 0.5).unwrap();
    // V is 1, 2 and 4.
    let u = ErrorEstimate::wasserstein(&worlds, &line).unwrap();
    assert!((lemma.lipschitz(&line).unwrap() - 2.0).abs() < 1e-12 && (u.of(0, 0) - 1.0).abs() < 1e-12);
    assert!((lemma.g(0, 0) - 2.0).abs() < 1e-12, "as much as the bound allows");
    assert!(
        (lemma.span() * worlds.total_variation(0, 0) - 3.0).abs() < 1e-12,
        "which total variation exceeds"
    );
    let error =
        ErrorEstimate::wasserstein(&worlds, &StateMetric::discrete(2).unwrap()).unwrap_err().to_string();
    assert!(error.contains("a metric of 2 states where there are 3: make one for these"), "{error}");
}
