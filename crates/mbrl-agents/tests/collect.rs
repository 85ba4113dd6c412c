//! What an actor did is what it did, in whole episodes or to the step.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use mbrl_agents::{Amount, PolicyActor, collect, evaluate};
use mbrl_core::{End, Key, TransitionBatch, UniformPolicy};

fn collected(env: &str, amount: Amount) -> TransitionBatch {
    let mut env = mbrl_envs::make(env).unwrap();
    let policy = UniformPolicy::new(env.spec()).unwrap();
    collect(&mut PolicyActor::sampling(&policy), env.as_mut(), amount, Key::root(9)).unwrap()
}

#[test]
fn episodes_are_those_of_an_evaluation() {
    let data = collected("cartpole", Amount::Episodes(7));
    let mut env = mbrl_envs::make("cartpole").unwrap();
    let policy = UniformPolicy::new(env.spec()).unwrap();
    let evaluated = evaluate(&mut PolicyActor::sampling(&policy), env.as_mut(), 7, Key::root(9)).unwrap();
    let mut earned = vec![0.0];
    for row in data.iter() {
        *earned.last_mut().unwrap() += f64::from(row.reward);
        if row.end.is_end() {
            assert_eq!(row.end, End::Terminated);
            earned.push(0.0);
        }
    }
    assert_eq!(earned.split_last().unwrap().1, evaluated.returns);
    let chained: Vec<_> = data.iter().zip(data.iter().skip(1)).filter(|(row, _)| !row.end.is_end()).collect();
    assert!(chained.len() > 50);
    chained.iter().for_each(|(row, next)| assert_eq!(row.next_obs, next.obs));
}

#[test]
fn so_many_steps_are_the_first_of_as_many_episodes() {
    let (steps, episodes) =
        (collected("pendulum", Amount::Steps(450)), collected("pendulum", Amount::Episodes(3)));
    assert_eq!((steps.len(), episodes.len()), (450, 600));
    assert_eq!(steps.obs.as_slice(), &episodes.obs.as_slice()[..450 * 3]);
    let ends =
        |data: &TransitionBatch| (0..data.len()).filter(|row| data.end[*row].is_end()).collect::<Vec<_>>();
    assert_eq!((ends(&steps), ends(&episodes)), (vec![199, 399, 449], vec![199, 399, 599]));
    assert!(steps.end.iter().all(|end| *end != End::Terminated));
}
