//! Equal seeds give equal bits, whatever the threads, and also across a file.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod common;

use common::{deterministic, fit, imagined, known, linear_world, noisy_line, saved, small, spec};
use mbrl_core::{Belief, Dims, Key, Result, Task, TransitionBatch};
use mbrl_models::{BayesConfig, BayesianNetwork, Ensemble, EnsembleConfig, Start, TargetNoise};
use mbrl_nn::{Divergence, Prior};

const DIMS: Dims = Dims { obs: 2, act: 1 };

fn ensemble(config: EnsembleConfig, task: &Task) -> Box<dyn Belief> {
    Box::new(Ensemble::new(&spec(DIMS), task, config, Key::root(0)).unwrap())
}

fn bayes(config: BayesConfig, task: &Task) -> Box<dyn Belief> {
    Box::new(BayesianNetwork::new(&spec(DIMS), task, config, Key::root(0)).unwrap())
}

fn quick() -> BayesConfig {
    BayesConfig { members: 3, hidden: vec![16], batch: 64, epochs: 4, ..BayesConfig::default() }
}

/// One of every kind, untrained.
fn every() -> Vec<(&'static str, Box<dyn Belief>)> {
    let (all, nothing) = (known(), Task::unknown());
    let preset = EnsembleConfig::preset("mbrl-lib").unwrap();
    let mixture = BayesConfig {
        prior: Prior::Mixture { share: 0.5, wide: 1.0, narrow: 0.1 },
        divergence: Divergence::MonteCarlo,
        noise: TargetNoise::Known { deviation: 0.1 },
        ..quick()
    };
    vec![
        ("Gaussian", ensemble(small(), &all)),
        ("deterministic", ensemble(deterministic(), &all)),
        ("learning it all", ensemble(small(), &nothing)),
        ("fresh each time", ensemble(EnsembleConfig { start: Start::Fresh, ..small() }, &nothing)),
        ("mbrl-lib", ensemble(EnsembleConfig { hidden: vec![16], stop: small().stop, ..preset }, &nothing)),
        ("Bayesian", bayes(quick(), &all)),
        ("Bayesian, learning it all", bayes(quick(), &nothing)),
        ("Bayesian, mixture", bayes(mixture, &nothing)),
    ]
}

fn world() -> TransitionBatch {
    linear_world(300, Key::root(1))
}

#[test]
fn the_number_of_threads_leaves_no_trace() {
    // Wide enough for layers to be worth more than one thread: 2 · 96² · 128 multiplications a member and more.
    let wide = || EnsembleConfig { hidden: vec![96, 96], batch: 256, ..small() };
    let wide_bayes =
        || BayesConfig { hidden: vec![96, 96], batch: 256, members: 4, epochs: 2, ..BayesConfig::default() };
    let data = linear_world(1500, Key::root(1));
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let beliefs = [ensemble(wide(), &Task::unknown()), bayes(wide_bayes(), &Task::unknown())];
            beliefs.map(|mut belief| {
                let fitted = fit(&mut *belief, &data, Key::root(2)).unwrap();
                (saved(&*belief), fitted, imagined(belief.model(), &data, Key::root(3)))
            })
        })
    };
    let one = run(1);
    for threads in [2, 8] {
        assert!(run(threads) == one, "{threads} threads gave other bits than one");
    }
}

#[test]
fn equal_keys_give_equal_bits_and_others_others() {
    let data = world();
    for ((name, mut a), ((_, mut b), (_, mut c))) in every().into_iter().zip(every().into_iter().zip(every()))
    {
        let fits = [(&mut a, 2), (&mut b, 2), (&mut c, 3)]
            .map(|(belief, seed)| fit(&mut **belief, &data, Key::root(seed)).unwrap());
        assert!(fits[0] == fits[1] && saved(&*a) == saved(&*b), "{name}: the same key gave other bits");
        assert!(saved(&*a) != saved(&*c), "{name}: another key gave the same bits");
        a.redraw(Key::root(4)).unwrap();
        assert_eq!(
            saved(&*a) != saved(&*b),
            name.starts_with("Bayesian"),
            "{name}: only posteriors have something to draw"
        );
    }
    let init = |seed| saved(&Ensemble::new(&spec(DIMS), &known(), small(), Key::root(seed)).unwrap());
    assert!(init(0) == init(0) && init(0) != init(1));
}

#[test]
fn a_file_between_two_fits_leaves_no_trace() {
    let (data, more) = (world(), linear_world(400, Key::root(7)));
    for ((name, mut straight), (_, mut loaded)) in every().into_iter().zip(every()) {
        fit(&mut *straight, &data, Key::root(2)).unwrap();
        let bytes = saved(&*straight);
        let mut followed = bytes.clone();
        followed.extend(b"more");
        let from = &mut followed.as_slice();
        loaded.load(from).unwrap();
        assert_eq!(*from, b"more", "{name}: what follows belongs to somebody else");
        assert!(saved(&*loaded) == bytes, "{name}");
        assert_eq!(
            imagined(loaded.model(), &more, Key::root(3)),
            imagined(straight.model(), &more, Key::root(3)),
            "{name}"
        );
        let fits =
            [&mut straight, &mut loaded].map(|belief| fit(&mut **belief, &more, Key::root(4)).unwrap());
        assert_eq!(fits[0], fits[1], "{name}");
        assert!(saved(&*straight) == saved(&*loaded), "{name}: going on from a file gave other bits");
        assert_eq!(
            imagined(loaded.model(), &more, Key::root(3)),
            imagined(straight.model(), &more, Key::root(3)),
            "{name}"
        );
    }
}

#[test]
fn damaged_and_foreign_bytes_are_refused_and_change_nothing() {
    let data = world();
    let names = every();
    let files: Vec<Vec<u8>> = every()
        .into_iter()
        .map(|(_, mut belief)| {
            fit(&mut *belief, &data, Key::root(2)).unwrap();
            saved(&*belief)
        })
        .collect();
    for (i, (name, mut belief)) in names.into_iter().enumerate() {
        let before = saved(&*belief);
        let mut refused = |bytes: &[u8], what: &str| {
            let loaded: Result<()> = belief.load(&mut &*bytes);
            let error = loaded.expect_err(what);
            assert!(error.is_corrupt() || error.is_version(), "{name}, {what}: {error}");
            assert!(saved(&*belief) == before, "{name}, {what}: a failed load changed something");
            error.to_string()
        };
        let file = &files[i];
        for at in (0..120).chain((120..file.len()).step_by(file.len() / 20)).chain(file.len() - 9..file.len())
        {
            let mut bad = file.clone();
            bad[at] ^= 1 << (at % 8);
            refused(&bad, "a flipped bit");
            refused(&file[..at], "a cut");
        }
        refused(b"", "nothing");
        refused(b"PK\x03\x04 and so on, which is another kind of file", "another kind of file");
        // Counts as large as can be ask for no memory.
        let mut greedy = file[..20].to_vec();
        greedy.extend([0xff; 64]);
        refused(&greedy, "a greedy file");
        for (j, other) in files.iter().enumerate() {
            // Those that differ by how they are trained alone are of one shape.
            if other.len() != file.len() || i.abs_diff(j) > 3 {
                refused(other, "a file of another belief");
            }
        }
    }
}

#[test]
fn a_file_of_another_shape_is_refused_by_what_differs() {
    let task = known();
    let file = saved(&*ensemble(small(), &task));
    let mut five = ensemble(EnsembleConfig { members: 5, ..small() }, &task);
    let error = five.load(&mut file.as_slice()).unwrap_err();
    assert!(error.is_corrupt() && error.to_string().contains("holds 3 members and this one 5"), "{error}");
    let mut wider = ensemble(EnsembleConfig { hidden: vec![17, 16], ..small() }, &task);
    assert!(
        wider
            .load(&mut file.as_slice())
            .unwrap_err()
            .to_string()
            .contains("parameters of a member and this one")
    );
    let other = spec(Dims { obs: 1, act: 2 });
    let mut narrow = Ensemble::new(&other, &Task::unknown(), small(), Key::root(0)).unwrap();
    assert!(
        narrow.load(&mut file.as_slice()).unwrap_err().to_string().contains("2 observations and this one 1")
    );
    let mut unknown = ensemble(small(), &Task::unknown());
    assert!(unknown.load(&mut file.as_slice()).unwrap_err().to_string().contains("holds 0 learnt rewards"));
    let data = noisy_line(50, Key::root(0));
    assert!(fit(&mut *five, &data, Key::root(0)).unwrap_err().is_invalid(), "data of another width");
}
