//! The table of planners, its presets, and what is refused in which words.

use super::*;

fn presets() -> impl Iterator<Item = (&'static str, &'static str, PlannerConfig)> {
    PLANNERS.iter().flat_map(|entry| {
        entry
            .presets
            .iter()
            .map(|preset| (entry.name, preset.name, PlannerConfig::preset(entry.name, preset.name).unwrap()))
    })
}

#[test]
fn presets_are_sound_and_survive_being_written_down() {
    for (planner, preset, config) in presets() {
        config.validate().unwrap();
        assert_eq!(config.kind(), planner, "{preset}");
        let json = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<PlannerConfig>(&json).unwrap(), config, "{json}");
    }
    let mut names: Vec<&str> = PLANNERS.iter().map(|entry| entry.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), PLANNERS.len());
    assert_eq!(PlannerConfig::default(), PlannerConfig::preset("cem", "handful-of-trials").unwrap());
}

#[test]
fn published_numbers_are_as_published() {
    let evaluations = |planner, preset| PlannerConfig::preset(planner, preset).unwrap().evaluations();
    assert_eq!(evaluations("random-shooting", "handful-of-trials"), 2000);
    assert_eq!(evaluations("cem", "handful-of-trials"), 2000);
    assert_eq!(evaluations("cem", "mbrl-lib"), 1750);
    assert_eq!(evaluations("icem", "mbrl-lib"), 667);
    assert_eq!(evaluations("icem", "fast"), 191);
    assert_eq!(evaluations("mppi", "mbrl-lib"), 1750);
    assert_eq!(evaluations("mppi", "tdmpc2"), 3072);
    assert_eq!(evaluations("categorical-cem", "fast"), 240);
}

#[test]
fn settings_are_read_with_defaults_and_without_slips() {
    let read = |json: &str| serde_json::from_str::<PlannerConfig>(json);
    let PlannerConfig::Cem(config) =
        read(r#"{"cem":{"population":100,"covariance":{"full":{"shrinkage":0.2}}}}"#).unwrap()
    else {
        panic!("of another kind");
    };
    let covariance = Covariance::Full { shrinkage: 0.2 };
    assert_eq!(config, CemConfig { population: 100, covariance, ..CemConfig::default() });
    let json = r#"{"mppi":{"population":9,"update":{"elites":{"elites":3,"executed":"mean"}}}}"#;
    let PlannerConfig::Mppi(MppiConfig { update: MppiUpdate::Elites(update), .. }) = read(json).unwrap()
    else {
        panic!("of another kind");
    };
    assert_eq!(update, EliteUpdate { elites: 3, executed: crate::Executed::Mean, ..EliteUpdate::default() });
    assert_eq!(
        read(r#"{"random_shooting":{}}"#).unwrap(),
        PlannerConfig::preset("random-shooting", "handful-of-trials").unwrap()
    );
    for slip in [
        r#"{"cem":{"populaton":100}}"#,
        r#"{"cem":{"covariance":{"full":{"shrink":0.2}}}}"#,
        r#"{"mppi":{"update":{"elites":{"sigma":1.0}}}}"#,
        r#"{"cme":{}}"#,
    ] {
        assert!(read(slip).is_err(), "{slip}");
    }
}

#[test]
fn what_cannot_be_meant_is_refused_by_name() {
    let (cem, icem) = (CemConfig::default, IcemConfig::default);
    let path = |update| {
        PlannerConfig::Mppi(MppiConfig { update: MppiUpdate::PathIntegral(update), ..MppiConfig::default() })
    };
    let elites = |update| {
        PlannerConfig::Mppi(MppiConfig { update: MppiUpdate::Elites(update), ..MppiConfig::default() })
    };
    let choices = CategoricalCemConfig::default;
    let cases = [
        (
            "random-shooting: population is 0",
            PlannerConfig::RandomShooting(RandomShootingConfig { population: 0 }),
        ),
        ("cem: population is 0", PlannerConfig::Cem(CemConfig { population: 0, ..cem() })),
        (
            "cem: elites is 0: give from 1 to population, 400",
            PlannerConfig::Cem(CemConfig { elites: 0, ..cem() }),
        ),
        ("cem: elites is 401", PlannerConfig::Cem(CemConfig { elites: 401, ..cem() })),
        ("cem: iterations is 0: give at least 1", PlannerConfig::Cem(CemConfig { iterations: 0, ..cem() })),
        (
            "cem: momentum is 1: give a number from [0, 1)",
            PlannerConfig::Cem(CemConfig { momentum: 1.0, ..cem() }),
        ),
        ("cem: momentum is NaN", PlannerConfig::Cem(CemConfig { momentum: f64::NAN, ..cem() })),
        ("cem: epsilon is -1", PlannerConfig::Cem(CemConfig { epsilon: -1.0, ..cem() })),
        (
            "cem-full: covariance.full.shrinkage is NaN",
            PlannerConfig::Cem(CemConfig { covariance: Covariance::Full { shrinkage: f64::NAN }, ..cem() }),
        ),
        (
            "icem: elites is 101: give from 1 to half the population, 100",
            PlannerConfig::Icem(IcemConfig { elites: 101, ..icem() }),
        ),
        (
            "icem: decay is 0.9: give a finite number from 1 on",
            PlannerConfig::Icem(IcemConfig { decay: 0.9, ..icem() }),
        ),
        ("icem: decay is NaN", PlannerConfig::Icem(IcemConfig { decay: f64::NAN, ..icem() })),
        ("icem: exponent is inf", PlannerConfig::Icem(IcemConfig { exponent: f64::INFINITY, ..icem() })),
        (
            "icem: keep is 1.5: give a number from 0 to 1",
            PlannerConfig::Icem(IcemConfig { keep: 1.5, ..icem() }),
        ),
        ("icem: deviation is 0", PlannerConfig::Icem(IcemConfig { deviation: 0.0, ..icem() })),
        ("mppi: gamma is NaN", path(PathIntegral { gamma: f64::NAN, ..PathIntegral::default() })),
        (
            "mppi: sigma is 0: give a number above 0 and up to 1000000",
            path(PathIntegral { sigma: 0.0, ..PathIntegral::default() }),
        ),
        ("mppi: beta is 0", path(PathIntegral { beta: 0.0, ..PathIntegral::default() })),
        ("mppi: elites is 351", elites(EliteUpdate { elites: 351, ..EliteUpdate::default() })),
        ("mppi: temperature is -1", elites(EliteUpdate { temperature: -1.0, ..EliteUpdate::default() })),
        (
            "mppi: min_std is 3: give at most max_std, 2",
            elites(EliteUpdate { min_std: 3.0, ..EliteUpdate::default() }),
        ),
        (
            "categorical-cem: floor is 2",
            PlannerConfig::CategoricalCem(CategoricalCemConfig { floor: 2.0, ..choices() }),
        ),
        (
            "categorical-cem: refresh is NaN",
            PlannerConfig::CategoricalCem(CategoricalCemConfig { refresh: f64::NAN, ..choices() }),
        ),
    ];
    for (words, config) in cases {
        let error = config.validate().unwrap_err();
        assert!(error.is_invalid() && error.to_string().starts_with(words), "{error}");
        let act = Space::symmetric(1, 1.0).unwrap();
        assert_eq!(config.build(&act, 2).err().unwrap().to_string(), error.to_string());
    }
}

#[test]
fn spaces_that_cannot_be_searched_are_refused() {
    let says = |planner: &str, act: &Space, horizon| {
        let config = (PlannerEntry::find(planner).unwrap().presets[0].config)();
        let error = config.build(act, horizon).err().unwrap();
        assert!(error.is_invalid());
        error.to_string()
    };
    let (real, discrete) = (Space::symmetric(2, 1.0).unwrap(), Space::discrete(3).unwrap());
    for planner in ["cem", "cem-full", "icem", "mppi"] {
        let refusal = says(planner, &discrete, 5);
        assert!(refusal.contains("`categorical-cem` or `random-shooting`"), "{refusal}");
    }
    assert!(says("categorical-cem", &real, 5).contains("take `cem`, `icem` or `mppi`"));
    for entry in PLANNERS {
        let act = if entry.name == "categorical-cem" { &discrete } else { &real };
        assert!(says(entry.name, act, 0).ends_with("horizon is 0: plan at least one step"));
        for horizon in [1 << 27, usize::MAX / 4, usize::MAX] {
            let refusal = says(entry.name, act, horizon);
            assert!(refusal.contains("plan fewer steps"), "{refusal}");
        }
        if entry.name != "categorical-cem" {
            let half = Space::bounded(&[0.0, 0.0], &[1.0, f32::INFINITY]).unwrap();
            assert!(says(entry.name, &half, 3).contains("bounds of action 1 are [0.0, inf]"));
            let empty = Space::bounded(&[], &[]).unwrap();
            assert!(says(entry.name, &empty, 3).contains("no dimension"));
        }
    }
}

#[test]
fn a_slip_in_a_name_is_answered_with_the_nearest() {
    let says = |planner, preset| PlannerConfig::preset(planner, preset).unwrap_err().to_string();
    assert_eq!(says("shooting", ""), "no planner is called `shooting`: did you mean `random-shooting`?");
    assert_eq!(says("mpi", ""), "no planner is called `mpi`: did you mean `mppi`?");
    assert_eq!(
        says("gradient-descent", ""),
        "no planner is called `gradient-descent`: there are random-shooting, cem, cem-full, icem, mppi, categorical-cem"
    );
    assert_eq!(says("mppi", "tdmpc"), "no preset of `mppi` is called `tdmpc`: did you mean `tdmpc2`?");
    assert_eq!(
        says("icem", "handful-of-trials"),
        "no preset of `icem` is called `handful-of-trials`: there are mbrl-lib, fast"
    );
}
