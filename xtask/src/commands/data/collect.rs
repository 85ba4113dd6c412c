//! `data collect`: record what trained agents, or nobody in particular, do.

use crate::commands::train::setup;
use crate::{Outcome, out};
use mbrl_agents::{Agent, Amount, PolicyActor, RunDir, collect, evaluate, load_agent, mean};
use mbrl_buffer::{About, Recording, Reference};
use mbrl_core::{Context, Error, Key, Result, TransitionBatch, UniformPolicy};
use mbrl_envs::Entry;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
`data collect random --env pendulum` is what D4RL calls random; a run that was stopped half-way (`train sac --set \
eval.target=-700`) gives medium, and with --replay what it learnt from, medium-replay; two runs, medium-expert.
Agents draw their actions as they do when they explore, without an algorithm's first steps at random.")]
pub(crate) struct Args {
    /// Who acts: `random`, or the folders of runs, each of which gives an equal part.
    #[arg(required = true, value_name = "random|RUN")]
    who: Vec<String>,
    /// The environment; that of the runs, if there is any.
    #[arg(long, value_name = "E")]
    env: Option<String>,
    /// How many transitions in all.
    #[arg(long, default_value_t = 10_000, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1 << 26))]
    rows: u64,
    /// What the run has seen in training, and no more; `--rows` then counts the oldest.
    #[arg(long)]
    replay: bool,
    /// The run whose mean return scores 100, where the optimum is not known; who acts at random scores 0.
    #[arg(long, value_name = "RUN")]
    expert: Option<PathBuf>,
    /// What it is called; the file's name, if not given.
    #[arg(long)]
    name: Option<String>,
    /// What the luck of the episodes grows from.
    #[arg(long, default_value_t = 0, value_name = "S")]
    seed: u64,
    /// The file to write, in the project's own format.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Who acts.
pub(crate) enum Source {
    /// Nobody in particular.
    Random,
    /// The agent of a run.
    Run(PathBuf),
    /// What a run has seen.
    Replay(PathBuf),
}

/// Episodes that tell what an expert earns.
const EPISODES: u64 = 100;

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let sources: Vec<Source> = args.who.iter().map(|who| args.source(who)).collect::<Result<_>>()?;
    let entry = mbrl_envs::find(&args.env(&sources)?)?;
    let key = Key::root(args.seed).child("collect");
    let mut recording = record(entry, &sources, args.rows as usize, key)?;
    let name = args.name.clone().or_else(|| Some(args.out.file_stem()?.to_string_lossy().into_owned()));
    recording.about_mut().name = name;
    recording.about_mut().reference = reference(entry, args.expert.as_deref())?;
    recording.save_to(&args.out)?;
    let returns = recording.returns();
    let score = recording
        .about()
        .reference
        .map_or(String::new(), |reference| format!(", a score of {:.1}", reference.score(mean(&returns))));
    out::line(format_args!(
        "{} transitions of {} in {} episodes, which earn {:.2} in the mean{score}",
        recording.rows().len(),
        entry.name,
        returns.len(),
        mean(&returns)
    ))?;
    let place = args.out.display();
    out::line(format_args!("{place}; cargo xtask train mopo --data {place}"))?;
    Ok(Outcome::Well)
}

impl Args {
    fn source(&self, who: &str) -> Result<Source> {
        match (who, self.replay) {
            ("random", false) => Ok(Source::Random),
            ("random", true) => {
                Err(Error::invalid("who acts at random has seen nothing: leave --replay out"))
            }
            (run, false) => Ok(Source::Run(run.into())),
            (run, true) => Ok(Source::Replay(run.into())),
        }
    }

    /// The environment that is named, or that of the first run.
    fn env(&self, sources: &[Source]) -> Result<String> {
        let of_run = |source: &Source| match source {
            Source::Random => None,
            Source::Run(dir) | Source::Replay(dir) => {
                Some(RunDir::open(dir).and_then(|run| run.config()).map(|config| config.env))
            }
        };
        match &self.env {
            Some(env) => Ok(env.clone()),
            None => sources
                .iter()
                .find_map(of_run)
                .unwrap_or_else(|| Err(Error::invalid("no environment is named: add --env E (`list envs`)"))),
        }
    }
}

/// An equal part of the rows from each, one after the other.
pub(crate) fn record(entry: &Entry, sources: &[Source], rows: usize, key: Key) -> Result<Recording> {
    if rows < sources.len() {
        let parts = sources.len();
        return Err(Error::invalid(format_args!(
            "{rows} rows from {parts} who act: ask for one of each or more"
        )));
    }
    let (spec, mut all) = (entry.spec(), TransitionBatch::new(entry.spec().dims()));
    let mut made_by = Vec::new();
    for (i, source) in sources.iter().enumerate() {
        let part = rows / sources.len() + usize::from(i < rows % sources.len());
        let key = key.at(i as u64);
        let acted = |actor: &mut dyn mbrl_agents::Actor| {
            collect(actor, entry.make().as_mut(), Amount::Steps(part), key)
        };
        let (data, who) = match source {
            Source::Random => {
                let uniform = UniformPolicy::new(&spec)?;
                (acted(&mut PolicyActor::sampling(&uniform))?, "uniformly random actions".to_owned())
            }
            Source::Run(dir) => {
                let (agent, who) = load(entry, dir)?;
                let data = match agent.explorer() {
                    Some(policy) => acted(&mut PolicyActor::sampling(policy.as_ref()))?,
                    None => acted(agent.actor()?.as_mut())?,
                };
                (data, who)
            }
            Source::Replay(dir) => {
                let (agent, who) = load(entry, dir)?;
                let seen = agent.replay().ok_or_else(|| {
                    Error::invalid(format_args!(
                        "{} keeps no replay buffer: leave --replay out",
                        dir.display()
                    ))
                })?;
                let mut data = TransitionBatch::new(spec.dims());
                Recording::from_replay(seen)?.rows().iter().take(part).for_each(|row| data.push(row));
                (data, format!("what {who} had learnt from"))
            }
        };
        // Where a part breaks off, the next one does not go on.
        let cut = Recording::new(data, About::default()).with_context(|| who.clone())?;
        cut.rows().iter().for_each(|row| all.push(row));
        made_by.push(who);
    }
    let about = About {
        env: Some(entry.name.to_owned()),
        made_by: Some(made_by.join(", then ")),
        obs: Some(spec.obs.clone()),
        act: Some(spec.act.clone()),
        ..About::default()
    };
    Recording::new(all, about)
}

fn load(entry: &Entry, dir: &Path) -> Result<(Box<dyn Agent>, String)> {
    let run = RunDir::open(dir)?;
    let (env, place) = (run.config()?.env, || dir.display().to_string());
    if env != entry.name {
        return Err(Error::invalid(format_args!(
            "{} was trained in {env}, not in {}: leave it out",
            place(),
            entry.name
        )));
    }
    let trained = load_agent(&run, &setup(entry)).with_context(place)?;
    trained.warnings.iter().for_each(|warning| out::progress(format_args!("warning: {warning}")));
    let who = format!("{} after {} steps", trained.config.algo, trained.env_steps);
    Ok((trained.agent, who))
}

/// Where scores are measured between, as far as it is known.
pub(crate) fn reference(entry: &Entry, expert: Option<&Path>) -> Result<Option<Reference>> {
    let Some(random) = entry.random_return() else {
        return Ok(None);
    };
    let max = match expert {
        None => entry.optimal_return(),
        Some(dir) => {
            let (agent, _) = load(entry, dir)?;
            let key = Key::root(0).child("expert");
            let earned = evaluate(agent.actor()?.as_mut(), entry.make().as_mut(), EPISODES, key)?;
            Some(earned.mean_return())
        }
    };
    match max {
        Some(max) if max <= random.mean => Err(Error::invalid(format_args!(
            "the expert earns {max:.1}, and who acts at random {:.1}: there is no score between the two; name a better one",
            random.mean
        ))),
        max => Ok(max.map(|max| Reference { min: random.mean, max })),
    }
}
