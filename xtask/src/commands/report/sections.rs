//! The sections of a page about one group of runs.

use super::breakdown::breakdown;
use super::curve::episode_interval;
use super::episode::{Episode, Watched};
use super::figures;
use super::findings::Level;
use super::group::{Group, Over, Point, Run};
use super::html::{Escaped, count, duration, number, put, sentence, table};
use super::page::{Judged, Page};
use super::probe::{Found, Probe, Spread};
use super::repeat;
use mbrl_core::{End, Error, Result};

pub(super) fn group(page: &mut Page, judged: &Judged<'_>) -> Result<()> {
    let Judged { group, probes, watched, findings } = judged;
    page.section("verdict", "How it went");
    if findings.is_empty() {
        page.say(
            "Nothing went wrong of what is looked for: the runs are complete, their returns rose, all numbers are finite, \
             checkpoints can be read, and imagined returns are not far above real ones.",
        );
    }
    for finding in findings {
        let (class, role) = match finding.level {
            Level::Alarm => ("alarm", " role=\"alert\""),
            Level::Warning => ("warning", ""),
            Level::Note => ("note", ""),
        };
        let (level, says) = (finding.level.name(), sentence(&finding.says));
        put(
            &mut page.text,
            format_args!("<div class=\"finding {class}\"{role}><p><strong>{level}.</strong> {says}</p>"),
        );
        if !finding.advice.is_empty() {
            put(&mut page.text, format_args!("<p class=\"advice\">{}</p>", Escaped(&finding.advice)));
        }
        page.text.push_str("</div>\n");
    }
    summary(page, group);
    episode(page, group, watched);
    returns(page, group);
    model(page, group, &probes[0]);
    imagination(page, group);
    bounds(page, group);
    learning(page, group);
    time(page, group);
    repeat(page, group)
}

fn summary(page: &mut Page, group: &Group) {
    page.section("summary", "Summary");
    let of_each = |show: &dyn Fn(&Run) -> String| group.runs.iter().map(show).collect::<Vec<String>>();
    let speed = |run: &Run| match run.wall_s > 0.0 {
        true => number(run.env_steps as f64 / run.wall_s),
        false => "\u{2013}".to_owned(),
    };
    let rows: [(&str, Vec<String>); 6] = [
        ("steps", of_each(&|run| format!("{} of {}", count(run.env_steps), count(run.config.steps)))),
        ("last evaluation", of_each(&|run| earned(run, run.last()))),
        ("best evaluation", of_each(&|run| earned(run, run.best()))),
        ("time", of_each(&|run| duration(run.wall_s))),
        ("steps a second", of_each(&speed)),
        ("folder", of_each(&|run| run.dir.clone())),
    ];
    let rows = rows.into_iter().map(|(name, cells)| std::iter::once(name.to_owned()).chain(cells).collect());
    let seeds = of_each(&|run| format!("seed {}", run.seed));
    let headings: Vec<&str> = std::iter::once("").chain(seeds.iter().map(String::as_str)).collect();
    table(&mut page.text, &headings, &rows.collect::<Vec<_>>());
    for (name, over) in [("last", group.last()), ("best", group.best())] {
        if let Some(Over { seeds, mean_return, ci95: Some([low, high]) }) = over {
            page.say(&format!(
                "Mean {name} evaluation over n = {seeds} seeds: {}, 95 % interval {} to {}.",
                number(mean_return),
                number(low),
                number(high)
            ));
        }
    }
    let evaluation = match group.config().eval.episodes {
        1 => "An evaluation is the return of one episode, from the same start state each time.".to_owned(),
        episodes => format!(
            "An evaluation is the mean return of n = {episodes} episodes from the same start states each time; in brackets \
             Student's 95 % interval over these episodes."
        ),
    };
    page.say(&format!("{evaluation} The best is chosen after the fact, so that it flatters."));
}

/// A mean return with its interval and where it was.
fn earned(run: &Run, point: Option<Point>) -> String {
    let Some(Point { env_steps, mean_return }) = point else { return "\u{2013}".to_owned() };
    let interval = episode_interval(run, env_steps, mean_return)
        .map_or(String::new(), |[low, high]| format!(" [{}, {}]", number(low), number(high)));
    format!("{}{interval} at step {}", number(mean_return), count(env_steps))
}

fn episode(page: &mut Page, group: &Group, watched: &Watched) {
    page.section("episode", "One episode");
    let Episode { film, steps, earned, end, stride } = match watched {
        Watched::Nothing(why) => return page.say(why),
        Watched::Episode(episode) => &**episode,
    };
    page.say(&format!(
        "What the trained agent{} does when it does not explore, in one episode from a start of its own: its return is {} in \
         {} steps. {} It is one episode, and others differ: how good the agent is in the mean, the summary says.",
        if group.runs.len() == 1 { String::new() } else { format!(" of seed {}", group.runs[0].seed) },
        number(*earned),
        count(*steps),
        match end {
            End::Terminated => "The environment ended it.",
            End::Running | End::Truncated => "It was cut at the time limit.",
        }
    ));
    let every = match stride {
        1 => String::new(),
        stride => format!(" The moving picture shows every {stride} steps."),
    };
    page.film("episode", film, &format!("From the first step to the last.{every}"));
}

fn returns(page: &mut Page, group: &Group) {
    page.section("returns", "Learning curves");
    let Some(plot) = figures::returns(group) else {
        page.say("No return has been recorded.");
        return;
    };
    let imagines = group.runs.iter().any(|run| !run.scalars("rollout/return").is_empty());
    page.say(if imagines {
        "Evaluations and episodes in training are real; the imagined return is what the policy earns in the model from the same \
         kind of start to the time limit. A model to be trusted promises about what the world pays: a gap that grows far \
         above zero is the sign of a policy that exploits its model."
    } else {
        "Evaluations are of the agent as it acts without exploring, episodes in training of the agent as it learns. This algorithm records no \
         imagined returns, so that there is no gap to show."
    });
    let over = if group.runs.len() == 1 { "episodes" } else { "seeds" };
    page.plot(Some(plot), &format!("Bars and bands are 95 % intervals over {over}."));
}

fn model(page: &mut Page, group: &Group, probe: &Probe) {
    page.section("model-error", "Model error by horizon");
    let found = match probe {
        Probe::Found(found) => found,
        Probe::Nothing(why) => return without_model(page, why),
        Probe::Failed(error) => {
            return without_model(page, &format!("The trained agent could not be looked at: {error}."));
        }
    };
    page.say(&format!(
        "The trained agent{} acted for {} fresh steps in {} episodes, which the model was not fitted to; from states along these \
         the model then foretold what comes, with the recorded actions. A model is of use for planning and for rollouts as far \
         ahead as its error stays well below that of the forecast that nothing moves.",
        if group.runs.len() == 1 { String::new() } else { format!(" of seed {}", group.runs[0].seed) },
        count(found.steps as u64),
        found.episodes
    ));
    let figures = figures::of_model(found);
    let (error, calibration): (Vec<_>, Vec<_>) =
        figures.into_iter().partition(|plot| plot.name == "model-error");
    match &found.compounding {
        Err(error) => page.say(&format!("Forecasts could not be judged: {error}.")),
        Ok(ahead) => {
            let caption = format!(
                "Distance of the foretold from the recorded state (2-norm) over {} windows, all members together. A few wild forecasts decide the mean; where the agent mostly stands still, the median does too.",
                ahead.windows
            );
            error.into_iter().for_each(|plot| page.plot(Some(plot), &caption));
        }
    }
    spread(page, found);
    page.section("calibration", "Calibration");
    match &found.spread {
        None => page.say("The model does not say how sure its members are."),
        Some(Err(error)) => page.say(&format!("It could not be measured: {error}.")),
        Some(Ok(spread)) => {
            let pooled = &spread.calibration.pooled;
            page.say(&format!(
                "What the model says of its own doubt, one step ahead on the same fresh steps. On the left, below the diagonal is \
                 overconfident and above it too careful; on the right, off to one side is biased. The mean distance from the \
                 diagonal is {} and {}.",
                number(pooled.coverage_error),
                number(pooled.below_error)
            ));
        }
    }
    calibration.into_iter().for_each(|plot| {
        page.plot(Some(plot), "All numbers of the state, and the reward where it is learnt, together.");
    });
}

fn without_model(page: &mut Page, why: &str) {
    page.say(why);
    page.section("calibration", "Calibration");
    page.say("Not measured either, for the same reason.");
}

/// One step ahead, column by column.
fn spread(page: &mut Page, found: &Found) {
    let Some(Ok(Spread { one_step, .. })) = &found.spread else { return };
    let rows: Vec<Vec<String>> = (0..one_step.average.mse.len())
        .map(|column| {
            let name = if column < one_step.state_dim {
                format!("state {}", column + 1)
            } else {
                "reward".to_owned()
            };
            let still =
                one_step.standstill_mse.get(column).map_or("\u{2013}".to_owned(), |mse| number(mse.sqrt()));
            let r2 = one_step.average.r2[column].map_or("\u{2013}".to_owned(), number);
            vec![name, number(one_step.average.mse[column].sqrt()), still, r2]
        })
        .collect();
    page.say("One step ahead, of the average of all members, by number of the state (root of the mean squared error):");
    table(&mut page.text, &["", "error", "nothing moves", "R\u{b2}"], &rows);
}

fn imagination(page: &mut Page, group: &Group) {
    page.section("rollouts", "Rollout length");
    let Some(plot) = figures::rollouts(&group.runs) else {
        page.say("This algorithm imagines no rollouts to learn from.");
        return;
    };
    page.say(
        "How many steps each imagined rollout takes at most, as its schedule has it, and how many transitions were imagined \
         after each fit of the model. Long rollouts teach more and compound the model's errors.",
    );
    page.plot(Some(plot), "As recorded at each fit.");
}

fn bounds(page: &mut Page, group: &Group) {
    page.section("bounds", "Bounds");
    let [errors, bounds] = figures::theory(&group.runs);
    if errors.is_none() && bounds.is_none() {
        page.say("No theory was recorded: it is estimated of MBPO, unless agent.theory.rows is 0.");
        return;
    }
    page.say(
        "Estimates of what the theorems speak of, on steps that the model had not been fitted to yet, and what the theorems \
         then subtract from the imagined return. The returns of no two policies differ by more than the line \"says nothing \
         from here up\": a bound above it is vacuous, which is the rule with learnt models. k* is the rollout \
         length that makes the bound of theorem 4.3 largest.",
    );
    page.plot(
        errors,
        "The band is the 95 % interval of \u{3b5}m, of one run over rows and of several over runs.",
    );
    page.plot(bounds, "Numbers that are infinite are left out.");
}

fn learning(page: &mut Page, group: &Group) {
    page.section("learning", "Learning");
    let of_runs = |prefix, title| figures::others(&group.runs, prefix, title);
    let parts = [
        (
            of_runs("model/", "Fitting the model"),
            "A rising error on held-out data, or epochs at their limit, ask for more data or more passes.",
        ),
        (
            of_runs("sac/", "Soft actor-critic"),
            "Values that run away from the returns that can be had are a sign of divergence.",
        ),
        (
            of_runs("plan/", "Planning"),
            "By episode: failed plans, rows that were lost, and the mean value of the plans that were taken.",
        ),
    ];
    page.say(if parts.iter().all(|(plot, _)| plot.is_none()) {
        "Nothing was recorded about learning."
    } else {
        "What the parts of the agent recorded as they learnt; the names are those in metrics.jsonl."
    });
    parts.into_iter().for_each(|(plot, caption)| page.plot(plot, caption));
}

fn time(page: &mut Page, group: &Group) {
    page.section("time", "Where the time went");
    let shares = breakdown(&group.runs);
    if shares.is_empty() {
        page.say("No time has been recorded.");
        return;
    }
    let whole: f64 = shares.iter().filter(|share| share.depth == 0).map(|share| share.seconds).sum();
    page.say(&format!(
        "{} in all{}. Indented spans are contained in the one above them; the others add up to 100 %. The rest is acting in \
         the environment and what is in no span.",
        duration(whole),
        if group.runs.len() == 1 { String::new() } else { format!(" over {} runs", group.runs.len()) }
    ));
    page.text.push_str(
        "<div class=\"wide\" tabindex=\"0\" role=\"group\" aria-label=\"Time by span\"><table class=\"share\">\n<thead><tr>\
         <th scope=\"col\">span</th><th scope=\"col\">time</th><th scope=\"col\">share</th><td></td></tr></thead>\n<tbody>\n",
    );
    for share in &shares {
        let (class, indent) =
            if share.depth == 0 { ("", 0.0) } else { (" class=\"inner\"", 1.2 * share.depth as f64) };
        put(
            &mut page.text,
            format_args!(
                "<tr><th scope=\"row\"{class} style=\"padding-left:{indent}rem\">{}</th><td>{}</td><td>{:.1} %</td>\
                 <td class=\"bar\" aria-hidden=\"true\"><div style=\"width:{:.1}%\"></div></td></tr>\n",
                Escaped(&share.name),
                duration(share.seconds),
                share.percent,
                share.percent
            ),
        );
    }
    page.text.push_str("</tbody></table></div>\n");
    let of = if group.runs.len() == 1 { String::new() } else { format!("Of seed {}. ", group.runs[0].seed) };
    page.plot(
        figures::time(&group.runs[0]),
        &format!("{of}Spans that are contained in others are not shown."),
    );
}

fn repeat(page: &mut Page, group: &Group) -> Result<()> {
    page.section("repeat", "How to repeat it");
    page.say("The same seed, build and kind of processor give the same metrics to the bit, at any number of threads.");
    for run in &group.runs {
        match repeat::command(&run.config, &format!("{}-again", run.dir.trim_end_matches(['/', '\\']))) {
            Ok(command) => {
                put(&mut page.text, format_args!("<pre class=\"command\">{}</pre>\n", Escaped(&command)))
            }
            Err(error) => page.say(&format!("Seed {}: {error}.", run.seed)),
        }
    }
    page.say("To train a run for longer, or to go on with one that was interrupted:");
    let first = &group.runs[0];
    put(
        &mut page.text,
        format_args!(
            "<pre class=\"command\">cargo xtask train --resume {} --steps {}</pre>\n",
            Escaped(&repeat::quoted(&first.dir)),
            first.config.steps
        ),
    );
    let rows: Vec<Vec<String>> = group
        .runs
        .iter()
        .map(|run| {
            let (manifest, build) = (&run.manifest, &run.manifest.build);
            vec![
                run.seed.to_string(),
                build.version.clone(),
                manifest.git.clone().unwrap_or_else(|| "unknown".to_owned()),
                build.rustc.clone(),
                build.target.clone(),
                manifest.threads.to_string(),
                manifest.resumes.to_string(),
                build.instruction_sets.join(" "),
            ]
        })
        .collect();
    let headings =
        ["seed", "version", "commit", "compiler", "target", "threads", "resumes", "instruction sets"];
    table(&mut page.text, &headings, &rows);
    let config = serde_json::to_string_pretty(group.config()).map_err(Error::backend)?;
    put(
        &mut page.text,
        format_args!(
            "<details><summary>The configuration, complete</summary>\n<pre tabindex=\"0\">{}</pre></details>\n",
            Escaped(&config)
        ),
    );
    Ok(())
}
