//! Planning in a simulator that somebody else wrote: on the ice of rapier2d a puck is to reach a goal behind a wall. Whoever
//! always moves nearer to the goal ends at the wall.
//!
//! `cargo run --release -p mbrl-plan --example rapier2d`
//!
//! A simulator becomes a model by saying what its state is, and by being put there: here the position and the velocity of
//! the puck, which rapier takes back to the bit. What a simulator remembers besides (rapier: the impulses of the last
//! contact, from which its solver starts) a model must not know, for equal questions have equal answers. So each imagined
//! move is made in a rink of its own, which takes five microseconds, one of them to build the rink. rapier's feature
//! `enhanced-determinism` makes its bits those of other machines, too.

#![expect(clippy::print_stdout, reason = "it prints what the puck earns")]

use mbrl_core::{
    DynamicsModel, End, Error, Key, Mode, ModelInput, ModelOutput, NoiseSpec, Result, Scratch, Space,
};
use mbrl_plan::{Assignment, Diverged, ModelScore, Mpc, PlannerConfig, Returns, Rollout, Workspace};
use rapier2d::prelude::{
    ColliderBuilder, IntegrationParameters, PhysicsWorld, RigidBodyBuilder, RigidBodyHandle, Vector,
};

/// Where the puck begins: (x, y) and the velocity.
const START: [f32; 4] = [-1.5, 0.1, 0.0, 0.0];
const GOAL: Vector = Vector::new(1.5, 0.0);
/// The middle of the wall, and half its sides.
const WALL: [Vector; 2] = [Vector::new(0.4, 0.0), Vector::new(0.1, 0.6)];
/// The largest push in each direction, on a puck of unit mass.
const PUSH: f32 = 4.0;
/// A push is held for so many steps of the simulator, of a thirtieth of a second each.
const HELD: usize = 6;

/// A rink with one puck. The simulator's own, with nothing of planning in it.
pub(crate) struct Rink {
    world: PhysicsWorld,
    puck: RigidBodyHandle,
}

impl Rink {
    /// The rink with its puck in this state: (x, y) and the velocity.
    pub(crate) fn at(state: &[f32]) -> Self {
        let mut world = PhysicsWorld {
            gravity: Vector::ZERO,
            integration_parameters: IntegrationParameters { dt: 1.0 / 30.0, ..Default::default() },
            ..PhysicsWorld::default()
        };
        let [middle, half] = WALL;
        let wall = ColliderBuilder::cuboid(half.x, half.y).translation(middle).friction(0.0).restitution(0.3);
        world.insert_collider(wall, None);
        let puck = RigidBodyBuilder::dynamic()
            .translation(Vector::new(state[0], state[1]))
            .linvel(Vector::new(state[2], state[3]))
            .linear_damping(0.5)
            .lock_rotations()
            .can_sleep(false);
        let (puck, _) =
            world.insert(puck, ColliderBuilder::ball(0.15).mass(1.0).friction(0.0).restitution(0.3));
        Rink { world, puck }
    }

    /// Pushes the puck for a fifth of a second.
    fn push(&mut self, force: &[f32]) {
        let puck = &mut self.world.bodies[self.puck];
        puck.reset_forces(true);
        puck.add_force(Vector::new(force[0], force[1]), true);
        (0..HELD).for_each(|_| self.world.step());
    }

    pub(crate) fn state(&self) -> [f32; 4] {
        let puck = &self.world.bodies[self.puck];
        let (at, velocity) = (puck.translation(), puck.linvel());
        [at.x, at.y, velocity.x, velocity.y]
    }
}

/// What it is worth to be somewhere: less by the distance to the goal.
fn reward(state: &[f32]) -> f32 {
    -Vector::new(state[0], state[1]).distance(GOAL)
}

/// The rink as a model.
pub(crate) struct RinkModel;

impl DynamicsModel for RinkModel {
    fn state_dim(&self) -> usize {
        4
    }

    fn act_dim(&self) -> usize {
        2
    }

    fn members(&self) -> usize {
        1
    }

    fn noise_spec(&self) -> NoiseSpec {
        NoiseSpec::default()
    }

    fn step(&self, input: ModelInput<'_>, mut out: ModelOutput<'_>, _: &mut Scratch) -> Result<()> {
        if let Some(member) = input.member.iter().find(|&&member| member != 0) {
            return Err(Error::invalid(format_args!("model member {member} of 1")));
        }
        // rapier is not asked where a NaN goes.
        if let Some((row, column)) = input.state.find_non_finite().or(input.act.find_non_finite()) {
            return Err(Error::non_finite(format_args!(
                "member 0, row {row}: number {column} is not finite"
            )));
        }
        for (row, (state, act)) in input.state.iter().zip(input.act.iter()).enumerate() {
            let mut rink = Rink::at(state);
            rink.push(act);
            let next = rink.state();
            if !next.iter().all(|x| x.is_finite()) {
                return Err(Error::non_finite(format_args!("member 0, row {row}: leads to {next:?}")));
            }
            out.next_state.row_mut(row).copy_from_slice(&next);
            (out.reward[row], out.end[row]) = (reward(&next), End::Running);
        }
        Ok(())
    }
}

/// Plays for `steps` pushes, planning `horizon` of them ahead. Returns how far from the goal the puck is then.
pub(crate) fn play(horizon: usize, steps: usize) -> Result<f32> {
    let optimizer = PlannerConfig::preset("icem", "fast")?.build(&Space::symmetric(2, PUSH)?, horizon)?;
    let (mut mpc, mut workspace) = (Mpc::closed_loop(optimizer), Workspace::new(Returns::new(1.0)?));
    let rollout = Rollout {
        model: &RinkModel,
        assignment: Assignment::Fixed { member: 0, policy: 0 },
        replicas: 1,
        horizon,
        mode: Mode::Mean,
        diverged: Diverged::Refuse,
    };
    // The true rink is made once and goes on, with all that rapier remembers.
    let (mut rink, mut push, mut earned) = (Rink::at(&START), [0.0; 2], 0.0);
    for t in 1..=steps {
        let state = rink.state();
        let mut score = ModelScore::new(rollout, &state, &mut workspace);
        mpc.act(&mut score, Key::root(0).at(t as u64), &mut push)?;
        rink.push(&push);
        earned += reward(&rink.state());
        if t % 5 == 0 {
            let [x, y, ..] = rink.state();
            println!("planning {horizon:2} ahead, push {t:2}: at ({x:5.2}, {y:5.2}), earned {earned:5.1}");
            earned = 0.0;
        }
    }
    Ok(-reward(&rink.state()))
}

pub(crate) fn main() -> Result<()> {
    let (short, long) = (play(3, 30)?, play(15, 30)?);
    println!("{short:.2} from the goal with 3 pushes planned ahead, {long:.2} with 15");
    assert!(short > 1.0, "three pushes lead around no wall, and yet the puck is {short} from the goal");
    assert!(long < 0.25, "the goal was not reached: the puck is {long} from it");
    Ok(())
}
