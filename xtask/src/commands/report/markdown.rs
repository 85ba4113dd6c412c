//! A report as Markdown.

use super::group::{Group, Over, Run};
use crate::out;
use mbrl_agents::leaves;
use mbrl_core::{Error, Result};
use std::collections::BTreeMap;

/// So many evaluations are shown at most.
const ROWS: usize = 21;

pub(super) fn print(groups: &[Group]) -> Result<()> {
    for group in groups {
        print_group(group)?;
    }
    if groups.len() > 1 { print_differences(groups) } else { Ok(()) }
}

fn print_group(group: &Group) -> Result<()> {
    let config = group.config();
    out::line(format_args!("# {} on {}, preset {}\n", config.algo, config.env, config.preset))?;
    let rows = group.runs.iter().map(|run| {
        let number = |x: Option<f64>| x.map_or("-".to_owned(), show);
        vec![
            run.dir.clone(),
            run.seed.to_string(),
            run.env_steps.to_string(),
            number(run.train_return),
            number(run.last().map(|point| point.mean_return)),
            run.best()
                .map_or("-".to_owned(), |best| format!("{} at {}", show(best.mean_return), best.env_steps)),
            format!("{:.1} s", run.wall_s),
        ]
    });
    let headings = ["run", "seed", "steps", "last episode", "last evaluation", "best evaluation", "time"];
    table(&headings, &rows.collect::<Vec<_>>())?;
    let evaluations = group.evaluations();
    if evaluations.is_empty() {
        out::line("No evaluation has been recorded yet.\n")?;
    } else {
        let count = evaluations.len();
        let shown = (0..count).filter(|i| is_shown(*i, count)).map(|i| {
            let over = evaluations[i].over;
            vec![
                evaluations[i].env_steps.to_string(),
                show(over.mean_return),
                interval(&over),
                over.seeds.to_string(),
            ]
        });
        table(&["steps", "mean return", "95 % interval", "seeds"], &shown.collect::<Vec<_>>())?;
    }
    for (name, over) in [("last", group.last()), ("best", group.best())] {
        if let Some(over) = over.filter(|over| over.seeds > 1) {
            let (mean, interval) = (show(over.mean_return), interval(&over));
            out::line(format_args!(
                "Mean {name} evaluation over {} seeds: {mean}, 95 % interval {interval}.\n",
                over.seeds
            ))?;
        }
    }
    print_time(group)?;
    for run in group.runs.iter().filter(|run| !run.exact_resume) {
        out::line(format_args!(
            "{} was resumed where bits may differ from those of a run that was not.\n",
            run.dir
        ))?;
    }
    Ok(())
}

/// Which of many rows are shown: the last, and as many as there is room for, evenly spaced.
fn is_shown(i: usize, count: usize) -> bool {
    let stride = count.div_ceil(ROWS).max(1);
    (count - 1 - i).is_multiple_of(stride)
}

fn print_time(group: &Group) -> Result<()> {
    let wall: f64 = group.runs.iter().map(|run| run.wall_s).sum();
    if wall <= 0.0 {
        return Ok(());
    }
    let mut phases = BTreeMap::<&str, f64>::new();
    for (name, seconds) in group.runs.iter().flat_map(|run: &Run| &run.phases) {
        *phases.entry(name).or_default() += seconds;
    }
    let rest = (wall - phases.values().sum::<f64>()).max(0.0);
    let row = |name: &str, seconds: f64| {
        vec![name.to_owned(), format!("{seconds:.1} s"), format!("{:.1} %", 100.0 * seconds / wall)]
    };
    let mut rows: Vec<Vec<String>> = phases.iter().map(|(name, seconds)| row(name, *seconds)).collect();
    rows.push(row("the rest", rest));
    table(&["phase", "time", "share"], &rows)
}

fn print_differences(groups: &[Group]) -> Result<()> {
    out::line("# What differs\n")?;
    let (headings, rows) = differences(&groups.iter().collect::<Vec<_>>())?;
    table(&headings.iter().map(String::as_str).collect::<Vec<_>>(), &rows)
}

/// The settings in which groups differ, as a table: its headings and its rows.
pub(super) fn differences(groups: &[&Group]) -> Result<(Vec<String>, Vec<Vec<String>>)> {
    let mut values = BTreeMap::<String, Vec<String>>::new();
    for (i, group) in groups.iter().enumerate() {
        let tree = serde_json::to_value(group.config()).map_err(Error::backend)?;
        for (path, value) in leaves(&tree).into_iter().filter(|(path, _)| path != "seed") {
            values.entry(path).or_insert_with(|| vec!["-".to_owned(); groups.len()])[i] = value.to_string();
        }
    }
    values.retain(|_, row| row.windows(2).any(|pair| pair[0] != pair[1]));
    let names = groups.iter().map(|group| group.runs[0].dir.clone());
    let headings = std::iter::once("setting".to_owned()).chain(names).collect();
    let rows = values.into_iter().map(|(path, row)| std::iter::once(path).chain(row).collect());
    Ok((headings, rows.collect()))
}

fn interval(over: &Over) -> String {
    over.ci95.map_or("-".to_owned(), |[low, high]| format!("{} to {}", show(low), show(high)))
}

fn show(x: f64) -> String {
    if x.abs() < 10.0 { format!("{x:.3}") } else { format!("{x:.1}") }
}

/// A table in Markdown, and a blank line.
fn table(headings: &[&str], rows: &[Vec<String>]) -> Result<()> {
    out::line(format_args!("| {} |", headings.join(" | ")))?;
    out::line(format_args!("|{}", "---|".repeat(headings.len())))?;
    for row in rows {
        let cells: Vec<String> = row.iter().map(|cell| cell.replace('|', "\\|")).collect();
        out::line(format_args!("| {} |", cells.join(" | ")))?;
    }
    out::line("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_many_rows_is_always_shown() {
        for count in 1..200 {
            let shown: Vec<usize> = (0..count).filter(|i| is_shown(*i, count)).collect();
            assert!(shown.len() <= ROWS && shown.last() == Some(&(count - 1)), "{count}: {shown:?}");
            assert!(count > ROWS || shown.len() == count);
        }
    }
}
