//! Exact regret: posterior sampling explores where dithering does not, and equal keys give equal numbers.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use mbrl_agents::{
    EpisodePolicy, Play, Posterior, PsrlConfig, PsrlPrior, QLearningConfig, RewardLaw, Setup, TabularLearner,
    UcbviConfig, mean, regret,
};
use mbrl_core::{Key, Result, Space, Spec, TabularMdp, Task, Transition};

type Make = fn(&Setup, Key) -> Result<Box<dyn TabularLearner>>;

const PSRL: Make = |setup, key| PsrlConfig::default().learner(setup, key);
const ENSEMBLE: Make = |setup, key| {
    let posterior = Posterior::Bootstrap { members: 5 };
    PsrlConfig { posterior, ..PsrlConfig::default() }.learner(setup, key)
};
const GREEDY: Make =
    |setup, key| PsrlConfig { posterior: Posterior::Mean, ..PsrlConfig::default() }.learner(setup, key);
const OPTIMISTIC: Make = |setup, _| UcbviConfig::default().learner(setup);
const Q_LEARNING: Make = |setup, _| QLearningConfig::default().learner(setup);

/// What is lost in each episode in a named world.
fn lost(env: &str, episodes: u64, make: Make, seed: u64) -> Vec<f64> {
    let entry = mbrl_envs::find(env).unwrap();
    let setup = Setup { task: entry.task(), ..Setup::new(entry.spec()) };
    let horizon = entry.spec().time_limit.unwrap() as usize;
    let play = Play { episodes, horizon, rewards: RewardLaw::Given };
    let key = Key::root(seed);
    let mut learner = make(&setup, key.child("agent")).unwrap();
    regret(learner.as_mut(), &entry.mdp().unwrap(), play, key.child("play")).unwrap()
}

/// Keys are fixed, so that these numbers never change by themselves; the margins are wide.
#[test]
fn posterior_sampling_swims_up_the_river_and_dithering_does_not() {
    for seed in 0..3 {
        // An ensemble of five is not among them: where none of its members believes in the reward, none ever will.
        for (name, make, most) in [("psrl", PSRL, 0.1), ("ucbvi", OPTIMISTIC, 0.5)] {
            let lost = mean(&lost("riverswim", 300, make, seed)[250..]);
            assert!(lost < most, "{name}, {seed}: {lost}");
        }
        // An optimal episode earns 3.4, and who stays where it starts 0.1.
        for make in [Q_LEARNING, GREEDY] {
            let lost = mean(&lost("riverswim", 300, make, seed)[250..]);
            assert!(lost > 3.0, "{seed}: {lost}");
        }
    }
}

#[test]
fn posterior_sampling_finds_the_treasure_in_the_deep_sea_and_dithering_does_not() {
    for seed in 0..2 {
        let found = mean(&lost("deepsea", 1200, PSRL, seed)[1100..]);
        // Ten right moves in a row have a probability of 1 in 1024 by chance, and nothing leads to them.
        let missed = mean(&lost("deepsea", 1200, Q_LEARNING, seed)[1100..]);
        assert!(found < 0.25 && missed > 0.9, "{seed}: {found} {missed}");
    }
}

#[test]
fn equal_keys_lose_equal_bits_and_no_episode_loses_less_than_nothing() {
    for make in [PSRL, ENSEMBLE, GREEDY, OPTIMISTIC, Q_LEARNING] {
        let of = |seed| lost("garnet", 20, make, seed);
        let bits = |lost: Vec<f64>| lost.iter().map(|lost| lost.to_bits()).collect::<Vec<_>>();
        assert!(of(3).iter().all(|lost| *lost >= 0.0));
        assert_eq!(bits(of(3)), bits(of(3)));
    }
    assert_ne!(lost("garnet", 20, PSRL, 3), lost("garnet", 20, PSRL, 4));
}

/// One state and two arms, of which the second pays more often: coins are what a beta prior is conjugate to.
#[test]
fn coins_are_tossed_and_what_is_no_probability_is_refused() {
    let spec = Spec::new(Space::discrete(1).unwrap(), Space::discrete(2).unwrap());
    let spec = Spec { time_limit: Some(1), ..spec };
    let setup = Setup { task: Task::unknown().terminating(|_, _, _| false), ..Setup::new(spec) };
    let config = PsrlConfig { prior: PsrlPrior::uniform(), ..PsrlConfig::default() };
    let arms =
        |pays: [f64; 2]| TabularMdp::new(2, vec![1.0; 2], pays.to_vec(), vec![1.0], vec![false]).unwrap();
    let played = |pays, rewards| {
        let mut learner = config.learner(&setup, Key::root(0)).unwrap();
        let play = Play { episodes: 400, horizon: 1, rewards };
        regret(learner.as_mut(), &arms(pays), play, Key::root(1))
    };
    let lost = played([0.25, 0.75], RewardLaw::Coins).unwrap();
    // Each episode plays one of two arms, so that it loses all or nothing.
    assert!(lost.iter().all(|lost| *lost < 1e-12 || (lost - 0.5).abs() < 1e-12));
    let total: f64 = lost.iter().sum();
    assert!(total > 0.4 && total < 20.0, "{total}");
    // Thompson sampling of certain rewards 0 and 1 is at the better arm sooner.
    assert!(played([0.0, 1.0], RewardLaw::Given).unwrap()[20..].iter().sum::<f64>() < 5.0);
    let error = played([0.25, 1.5], RewardLaw::Coins).unwrap_err().to_string();
    assert!(error.contains("the reward 1.5 is no probability: play `RewardLaw::Given`"), "{error}");
}

/// One that does the same for ever and keeps what it earned.
struct Recorder(Vec<f32>);

impl TabularLearner for Recorder {
    fn plan(&mut self, _: Key) -> Result<EpisodePolicy> {
        EpisodePolicy::new(1, 1, vec![0], 0.0)
    }

    fn begin(&mut self, _: usize) -> Result<()> {
        Ok(())
    }

    fn observe(&mut self, transition: Transition<'_>) -> Result<()> {
        self.0.push(transition.reward);
        Ok(())
    }

    fn best(&self) -> Result<EpisodePolicy> {
        EpisodePolicy::new(1, 1, vec![0], 0.0)
    }

    fn span(&self) -> usize {
        4
    }

    fn save(&self, _: &mut dyn std::io::Write) -> Result<()> {
        Ok(())
    }

    fn load(&mut self, _: &mut dyn std::io::Read) -> Result<()> {
        Ok(())
    }
}

/// Heads come as often as the reward says: six deviations of 4000 have a false-alarm rate of 2e-9.
#[test]
fn what_is_seen_of_a_coin_is_a_side_of_it() {
    let world = TabularMdp::new(1, vec![1.0], vec![0.25], vec![1.0], vec![false]).unwrap();
    let seen = |rewards| {
        let mut recorder = Recorder(Vec::new());
        regret(&mut recorder, &world, Play { episodes: 1000, horizon: 4, rewards }, Key::root(0)).unwrap();
        recorder.0
    };
    let coins = seen(RewardLaw::Coins);
    let heads = coins.iter().filter(|reward| **reward > 0.5).count() as f64;
    assert!(coins.iter().all(|reward| [0.0, 1.0f32].iter().any(|side| side.to_bits() == reward.to_bits())));
    assert!((heads - 1000.0).abs() < 6.0 * (4000.0 * 0.25 * 0.75f64).sqrt(), "{heads}");
    assert!(seen(RewardLaw::Given).iter().all(|reward| reward.to_bits() == 0.25f32.to_bits()));
    // Who plans four steps does not play five: the last would be anybody's guess.
    let play = Play { episodes: 1, horizon: 5, rewards: RewardLaw::Given };
    let error = regret(&mut Recorder(Vec::new()), &world, play, Key::root(0)).unwrap_err();
    assert_eq!(error.to_string(), "episodes of 5 steps for a learner that plans 4: make them equal");
}

/// Settings of the baselines that cannot be.
#[test]
fn baselines_refuse_in_one_line_what_cannot_be_used() {
    let mut run = mbrl_agents::RunConfig::new("q-learning", None).unwrap();
    let mut ucbvi = mbrl_agents::RunConfig::new("ucbvi", Some("published")).unwrap();
    for (assignment, says) in [
        ("agent.epsilon.last=1.5", "epsilon.last is 1.5: give 0 to 1"),
        ("agent.step.first=0.0", "step.first is 0: give above 0"),
        ("agent.step.power=2.0", "step.power is 2: give 0 to 1"),
    ] {
        let error = run.set(assignment).unwrap_err().to_string();
        assert!(error.contains(says) && !error.contains('\n'), "{error}");
    }
    for (assignment, says) in [
        ("agent.bonus=-1.0", "bonus is -1: give at least 0"),
        ("agent.delta=0.0", "delta is 0: give above 0"),
        ("agent.rewards=[1.0,0.0]", "rewards from 1 to 0: give finite bounds"),
    ] {
        let error = ucbvi.set(assignment).unwrap_err().to_string();
        assert!(error.contains(says) && !error.contains('\n'), "{error}");
    }
    let entry = mbrl_envs::find("riverswim").unwrap();
    let endless = Setup { task: entry.task(), ..Setup::new(Spec { time_limit: None, ..entry.spec() }) };
    let error = OPTIMISTIC(&endless, Key::root(0)).err().unwrap().to_string();
    assert!(error.contains("this environment has no time limit: give it one, or choose psrl"), "{error}");
    assert!(PSRL(&endless, Key::root(0)).is_ok());
    let box_like = Setup::new(mbrl_envs::find("pendulum").unwrap().spec());
    for make in [PSRL, OPTIMISTIC, Q_LEARNING] {
        let error = make(&box_like, Key::root(0)).err().unwrap().to_string();
        assert!(error.contains("choose a finite environment"), "{error}");
    }
}
