//! A calibration as one HTML page that needs nothing else.

use super::figures;
use super::found::{Found, Measured};
use super::points::{Judged, Truth};
use super::returns::{Returns, Weight};
use super::subject::Kind;
use super::text::{NONE, lost, most_doubted, percent, ranks, short, weight};
use crate::commands::report::html::{Escaped, count, paragraph, put, sentence, table};
use crate::commands::report::page::{STYLE, inline};
use crate::plot::Figure;

pub(super) fn write(found: &Found) -> String {
    let mut page = Page::default();
    verdict(&mut page, found);
    ranking(&mut page, found);
    reliability(&mut page, found);
    weights(&mut page, found);
    edge(&mut page, found);
    repeat(&mut page, found);
    page.whole(found)
}

#[derive(Default)]
struct Page {
    text: String,
    links: Vec<(&'static str, &'static str)>,
}

impl Page {
    fn section(&mut self, anchor: &'static str, heading: &'static str) {
        put(&mut self.text, format_args!("<h2 class=\"section\" id=\"{anchor}\">{heading}</h2>\n"));
        self.links.push((anchor, heading));
    }

    fn say(&mut self, text: &str) {
        paragraph(&mut self.text, text);
    }

    fn table(&mut self, headings: &[&str], rows: Vec<Vec<String>>) {
        let rows: Vec<Vec<String>> =
            rows.into_iter().map(|row| row.iter().map(|cell| minus(cell)).collect()).collect();
        table(&mut self.text, headings, &rows);
    }

    /// Something that the reader should know first.
    fn finding(&mut self, class: &str, level: &str, says: &str) {
        let says = sentence(says);
        put(
            &mut self.text,
            format_args!("<div class=\"finding {class}\"><p><strong>{level}.</strong> {says}</p></div>\n"),
        );
    }

    fn figure(&mut self, name: &str, figure: Option<Figure>, caption: &str) {
        let Some(figure) = figure else { return };
        let svg = match figure.svg() {
            Ok(svg) => inline(&svg, name),
            Err(error) => return self.say(&format!("A figure could not be drawn: {error}.")),
        };
        let broad = if figure.columns > 1 { " class=\"broad\"" } else { "" };
        put(
            &mut self.text,
            format_args!(
                "<figure{broad}>\n<div class=\"wide\" tabindex=\"0\" role=\"group\" aria-label=\"{}\">\n{svg}</div>\n\
                 <figcaption>{}</figcaption>\n</figure>\n",
                Escaped(&figure.title),
                sentence(caption)
            ),
        );
    }

    fn whole(self, found: &Found) -> String {
        let mut text = String::new();
        let title = found.title();
        put(
            &mut text,
            format_args!(
                "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
                 <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
                 <meta name=\"generator\" content=\"mbrl calibrate\">\n<title>Calibration: {0}</title>\n\
                 <style>\n{STYLE}</style>\n</head>\n<body>\n<header>\n<h1>{0}: can its doubt be trusted?</h1>\n\
                 <p class=\"lead\">{1}</p>\n<nav aria-label=\"Sections\"><ul>\n",
                Escaped(&title),
                Escaped(&lead(found))
            ),
        );
        for (anchor, heading) in &self.links {
            put(&mut text, format_args!("<li><a href=\"#{anchor}\">{heading}</a></li>\n"));
        }
        text.push_str("</ul></nav>\n</header>\n<main>\n");
        text.push_str(&self.text);
        text.push_str("</main>\n</body>\n</html>\n");
        text
    }
}

/// A number with the sign that print has for it.
fn minus(number: &str) -> String {
    number
        .strip_prefix('-')
        .map_or(number.to_owned(), |rest| format!("\u{2212}{rest}"))
        .replace(" -", " \u{2212}")
        .replace("[-", "[\u{2212}")
}

/// What was judged, and by what.
fn lead(found: &Found) -> String {
    let by = format!("{} held-out steps in {} episodes", count(found.held_out as u64), found.episodes);
    match &found.kind {
        Kind::Run { preset, env_steps, .. } => {
            format!("Preset {preset}, {} steps; judged by {by} of its policy", count(*env_steps))
        }
        Kind::Data { preset, fitted, .. } => {
            format!("Preset {preset}, fitted to {} steps; judged by {by}", count(*fitted as u64))
        }
    }
}

/// Where a measure ranks no better than this, a penalty by it is mostly noise.
const WEAK: f64 = 0.3;
/// An interval that covers this much less than it should is a warning.
const SHORT: f64 = 0.1;
/// More rollouts than this at the edge of reach are a warning.
const EDGE: f64 = 0.1;

fn verdict(page: &mut Page, found: &Found) {
    page.section("verdict", "What it comes to");
    for (points, truth) in found.truths() {
        let Some([(best, rho), (worst, least)]) = extremes(truth) else { continue };
        let says = format!(
            "At {} moves {best} follows the true error best, with a rank correlation of {}, and {worst} worst, with {}.",
            points.name,
            minus(&format!("{rho:.2}")),
            minus(&format!("{least:.2}"))
        );
        let (class, level) = if rho < WEAK { ("warning", "Warning") } else { ("note", "Note") };
        page.finding(class, level, &says);
    }
    for (points, truth) in found.truths() {
        if let Some(covered) = truth.coverage(0.9).filter(|covered| *covered < 0.9 - SHORT) {
            let says = format!(
                "At {} moves the model is surer than it should be: its 90 % intervals hold {} of what came.",
                points.name,
                percent(covered)
            );
            page.finding("warning", "Warning", &says);
        }
    }
    if let Measured::Done(returns) = &found.returns {
        let (class, level) = match returns.discounted.ci95 {
            Some([low, _]) if low > 0.0 => ("warning", "Warning"),
            _ => ("note", "Note"),
        };
        page.finding(class, level, &promised(returns));
    }
    if let Measured::Done(edges) = &found.edge_of_reach
        && let Some(edge) = edges.last()
    {
        let says = format!(
            "{} of the rollouts of {} steps are cut where no other rollout has been before its last step ({} would be by chance).",
            percent(edge.share),
            edge.length,
            percent(edge.by_chance)
        );
        let (class, level) = if edge.share > EDGE { ("warning", "Warning") } else { ("note", "Note") };
        page.finding(class, level, &says);
    }
    if let Some(why) = &found.without_world {
        page.finding(
            "note",
            "Note",
            &format!(
                "The world cannot be asked what would have come, as {why}: there are held-out moves alone."
            ),
        );
    }
    found.notes.iter().for_each(|note| page.say(note));
}

/// A measure, and its rank correlation.
type Rank = (&'static str, f64);

/// The measures with the largest and the least correlation.
fn extremes(truth: &Truth) -> Option<[Rank; 2]> {
    let ranks = truth.ranks.iter().filter_map(|rank| Some((rank.spec.measure.name(), rank.correlation?.rho)));
    let best = ranks.clone().reduce(|best, rank| if rank.1 > best.1 { rank } else { best })?;
    let worst = ranks.reduce(|worst, rank| if rank.1 < worst.1 { rank } else { worst })?;
    Some([best, worst])
}

fn promised(returns: &Returns) -> String {
    let gap = &returns.discounted;
    match gap.ci95 {
        Some([low, _]) if low > 0.0 => {
            "The model promises more than the world pays, so that a penalty is needed: how much, the table of weights says.".to_owned()
        }
        Some([_, high]) if high < 0.0 => {
            "The model promises less than the world pays: the lower bound holds without any penalty.".to_owned()
        }
        _ => format!(
            "Whether the model promises more than the world pays is not decided by {} {}: the interval of the difference holds 0.",
            returns.starts, returns.of
        ),
    }
}

fn ranking(page: &mut Page, found: &Found) {
    page.section("ranks", "Doubt and error");
    page.say(
        "A penalty is worth what its measure of uncertainty knows of the model's error. In the table is Spearman's rank \
         correlation of the two over moves, with a 95 % interval that takes moves for independent, which those of one \
         episode are not: it is narrower than it should be. The error is the distance of the next state that the members \
         foretell on average from the one that comes.",
    );
    let (headings, rows) = ranks(found);
    let headings: Vec<&str> = headings.iter().map(|heading| heading.trim_start_matches('>')).collect();
    page.table(&headings, rows);
    page.say(
        "A rank says nothing of how much is at stake: where an agent stands still, most moves are alike and digits that do not \
         matter rank them. So this is the mean error of the tenth of the moves that are in most doubt, as a multiple of that of \
         all: a penalty should be paid where the model errs more.",
    );
    page.table(&headings, most_doubted(found));
    let sets: Vec<String> = found
        .points
        .iter()
        .map(|points| match &points.judged {
            Judged::Found(truth) => format!(
                "\u{201c}{}\u{201d}: {}, {} of them, of a mean error of {}.",
                points.name,
                points.says,
                count(truth.rows as u64),
                short(truth.mean_error)
            ),
            Judged::Nothing { absent } => format!("\u{201c}{}\u{201d} is absent: {absent}.", points.name),
        })
        .collect();
    page.say(&sets.join(" "));
    if found.without_world.is_none() {
        page.say(
            "What would have come of imagined and of random moves the environment's own dynamics say. A state that is none \
             of theirs, as imagination may reach, they read as the one that is observed most like it.",
        );
    }
    page.figure(
        "doubt",
        figures::doubt(found),
        "Moves in ten parts by their uncertainty, the surest on the left: the median error, and in the band the middle half of \
         the errors. The line of a measure that can be trusted rises.",
    );
}

fn reliability(page: &mut Page, found: &Found) {
    page.section("reliability", "Coverage");
    page.say(
        "Whether what comes lies in the model's intervals as often as they say; all numbers of the state, and the reward where it \
         is learnt, together. On the left, below the diagonal is overconfident. On the right, off to one side is biased.",
    );
    let at = |truth: &Truth, level| truth.coverage(level).map_or(NONE.to_owned(), percent);
    let rows: Vec<Vec<String>> = found
        .truths()
        .map(|(points, truth)| {
            let pooled = &truth.calibration.pooled;
            let errors = [pooled.coverage_error, pooled.below_error].map(short);
            let [coverage, below] = errors;
            vec![points.name.to_owned(), at(truth, 0.5), at(truth, 0.9), coverage, below]
        })
        .collect();
    match rows.is_empty() {
        true => page.say("Nothing could be measured."),
        false => page.table(
            &["", "50 % intervals cover", "90 % intervals cover", "calibration error", "of quantiles"],
            rows,
        ),
    }
    page.figure(
        "reliability",
        figures::reliability(found),
        "The calibration error is the mean distance of the curve from the diagonal.",
    );
}

fn weights(page: &mut Page, found: &Found) {
    page.section("weights", "The weight that a penalty needs");
    let returns = match &found.returns {
        Measured::Failed { error } => return page.say(&format!("It could not be measured: {error}.")),
        Measured::Done(returns) => returns,
    };
    let how = match returns.of {
        "episodes" => format!(
            "the policy acts without exploring from {} starts in the environment, and from each of them {} times in the model, to \
             the end of the episode or for {} steps",
            returns.starts, returns.replicas, returns.steps
        ),
        _ => format!(
            "{} held-out windows of {} steps, of which no two share a step, are imagined again {} times each with the recorded \
             actions; where the world terminated before, it pays nothing more, and the last action goes on",
            returns.starts, returns.steps, returns.replicas
        ),
    };
    page.say(&format!(
        "The penalised return \u{3a3} \u{3b3}\u{1d57} (r \u{2212} \u{3bb}u) in the model is to be at most what is earned in the world. Here {how}. \u{3bb} is the mean \
         difference of the returns, discounted by {}, over what is met of u in imagination; 0 where the model promises no more \
         than the world pays.",
        short(returns.discount)
    ));
    let gap_row = |name: &str, gap: &super::returns::Gap| {
        let ci = gap.ci95.map_or(NONE.to_owned(), |[low, high]| format!("{} to {}", short(low), short(high)));
        vec![name.to_owned(), short(gap.imagined), short(gap.real), short(gap.gap), ci]
    };
    let rows = [gap_row("return", &returns.undiscounted), gap_row("discounted", &returns.discounted)];
    page.table(&["", "imagined", "real", "imagined less real", "95 % interval"], rows.to_vec());
    let rows: Vec<Vec<String>> = returns.weights.iter().map(|of: &Weight| weight(of)).collect();
    page.table(
        &[
            "measure",
            "\u{3bb}",
            "95 % interval",
            "enough for 95 in 100 starts",
            "\u{3a3} \u{3b3}\u{1d57} u met",
        ],
        rows,
    );
    let apart = match returns.of {
        "windows" => format!(
            " Both intervals take episodes for independent, of which there are {}, and not windows of the same one.",
            returns.episodes
        ),
        _ => String::new(),
    };
    page.say(&format!(
        "The interval is Fieller's, as \u{3bb} is a ratio of means; where it ends at \u{221e}, it is not known that any of u is \
         met.{apart} Measures have units of their own, so that their weights cannot be compared with each other."
    ));
    if returns.lost > 0 {
        page.finding("warning", "Warning", &format!("{}.", lost(returns)));
    }
}

fn edge(page: &mut Page, found: &Found) {
    page.section("edge", "Edge of reach");
    page.say(
        "Values are bootstrapped from the states in which rollouts are cut, and learnt only in those before. A state counts as \
         at the edge if no other rollout has been near it before its last step, where near is what 99 in 100 of those states \
         are to another rollout. Offline learning fails with many of them even in a perfect model (Sims et al. 2024); \
         longer rollouts, or pessimistic critics, are the cure.",
    );
    match &found.edge_of_reach {
        Measured::Failed { error } => page.say(&format!("It could not be measured: {error}.")),
        Measured::Done(_) => page.figure(
            "edge",
            figures::edge(found),
            &format!("Of {} rollouts from held-out states.", count(found.rollouts as u64)),
        ),
    }
}

fn repeat(page: &mut Page, found: &Found) {
    page.section("repeat", "How to repeat it");
    page.say("The same seed, build and kind of processor give the same page to the byte, at any number of threads.");
    put(&mut page.text, format_args!("<pre class=\"command\">{}</pre>\n", Escaped(&found.command)));
    let with: Vec<String> = found.imagines_with.iter().map(u16::to_string).collect();
    page.say(&format!(
        "The model has {} members and imagines with those numbered {}.",
        found.members,
        with.join(", ")
    ));
}
