//! A report as one HTML page that needs nothing else, and its figures as files beside it.

use super::earlier::Files;
use super::episode::{Watched, watch};
use super::figures::{self, Plot};
use super::findings::{Finding, findings};
use super::group::Group;
use super::html::{Escaped, count, paragraph, put, table};
use super::probe::{Probe, load, probe};
use super::{markdown, sections};
use crate::plot::{Film, Theme};
use mbrl_core::{Context, Result};
use std::path::{Path, PathBuf};

/// The folder of figures, beside the page.
pub(super) const PLOTS: &str = "plots";

/// A group with what was found out about it.
pub(super) struct Judged<'a> {
    pub(super) group: &'a Group,
    /// What came of looking at the model of the first run, and of loading those of the others.
    pub(super) probes: Vec<Probe>,
    /// What the agent of the first run does.
    pub(super) watched: Watched,
    pub(super) findings: Vec<Finding>,
}

impl<'a> Judged<'a> {
    /// Judges the model of the first run by so many fresh steps.
    pub(super) fn new(group: &'a Group, fresh: usize) -> Self {
        let mut watched = Watched::Nothing("The trained agent could not be looked at.".to_owned());
        let runs = group.runs.iter().enumerate().map(|(i, run)| match load(run) {
            Ok(trained) if i == 0 => {
                watched = watch(run, &trained);
                probe(run, &trained, fresh)
            }
            Ok(trained) => probe(run, &trained, 0),
            Err(error) => Probe::Failed(error),
        });
        let probes: Vec<Probe> = runs.collect();
        Judged { findings: findings(group, &probes), group, probes, watched }
    }
}

/// A page as it is written, and the figures that are on it.
pub(super) struct Page {
    pub(super) text: String,
    pub(super) plots: Vec<Drawn>,
    /// What the names of a group's figures and anchors begin with.
    pub(super) prefix: String,
    /// How deep the headings of sections are.
    level: usize,
    links: Vec<(String, String)>,
}

/// A figure as its files hold it.
pub(super) struct Drawn {
    name: String,
    svg: String,
    png: Vec<u8>,
}

/// How a figure stands on the page.
struct Shown<'a> {
    title: &'a str,
    caption: &'a str,
    width: Width,
    /// What moves above the figure; it may be empty.
    moving: &'a str,
}

/// How much room a figure needs to be read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Width {
    Usual,
    Broad,
}

/// A table of more rows than this is folded away.
const MOST_ROWS: usize = 15;

pub(crate) const STYLE: &str = include_str!("page.css");

/// Writes the page of these groups to `file`, and its figures beside it, in place of what is called like them; those that
/// only an earlier page there had go.
pub(super) fn write(file: &Path, groups: &[Judged<'_>]) -> Result<()> {
    let page = Page::of(groups)?;
    let (folder, earlier) = (folder(file), Files::read(file));
    let plots = folder.join(PLOTS);
    std::fs::create_dir_all(&plots).with_context(|| plots.display().to_string())?;
    for (name, bytes) in page.files() {
        put_file(&plots.join(name), bytes)?;
    }
    put_file(file, page.text.as_bytes())?;
    earlier.remove(&Files::of(page.files()), &folder);
    Ok(())
}

fn folder(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

fn put_file(file: &Path, bytes: &[u8]) -> Result<()> {
    mbrl_buffer::write_aside(file, |out| out.write_all(bytes).context("writing"))
        .context("give another place by --out")
}

impl Page {
    fn of(groups: &[Judged<'_>]) -> Result<Page> {
        let (mut text, plots) = (String::new(), Vec::new());
        let level = if groups.len() == 1 { 2 } else { 3 };
        let mut page = Page { text: String::new(), plots, prefix: String::new(), level, links: Vec::new() };
        if let [only] = groups {
            sections::group(&mut page, only)?;
        } else {
            page.several(groups)?;
        }
        let title = match groups {
            [only] => name(only.group),
            _ => format!("{} configurations compared", groups.len()),
        };
        put(
            &mut text,
            format_args!(
                "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
                 <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
                 <meta name=\"generator\" content=\"mbrl report\">\n{1}\n<title>{0}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<header>\n<h1>{0}</h1>\n",
                Escaped(&title),
                Files::of(page.files())
            ),
        );
        if let [only] = groups {
            put(&mut text, format_args!("<p class=\"lead\">{}</p>\n", Escaped(&lead(only.group))));
        }
        text.push_str("<nav aria-label=\"Sections\"><ul>\n");
        for (anchor, heading) in &page.links {
            put(&mut text, format_args!("<li><a href=\"#{anchor}\">{}</a></li>\n", Escaped(heading)));
        }
        text.push_str("</ul></nav>\n</header>\n<main>\n");
        text.push_str(&page.text);
        text.push_str("</main>\n</body>\n</html>\n");
        page.text = text;
        Ok(page)
    }

    /// The files of its figures, by name.
    fn files(&self) -> impl Iterator<Item = (String, &[u8])> {
        self.plots.iter().flat_map(|Drawn { name, svg, png }| {
            [(format!("{name}.svg"), svg.as_bytes()), (format!("{name}.png"), &png[..])]
        })
    }

    /// Several groups: first what differs, then each.
    fn several(&mut self, groups: &[Judged<'_>]) -> Result<()> {
        self.level = 2;
        self.section("comparison", "What differs");
        let bare: Vec<&Group> = groups.iter().map(|judged| judged.group).collect();
        let mut environments: Vec<&str> = bare.iter().map(|group| group.config().env.as_str()).collect();
        environments.sort_unstable();
        environments.dedup();
        for (i, env) in environments.iter().enumerate() {
            let of_env = bare.iter().enumerate().filter(|(_, group)| group.config().env == *env);
            let of_env: Vec<(String, &Group)> =
                of_env.map(|(i, group)| (format!("{}. {}", i + 1, group.config().algo), *group)).collect();
            let plot = figures::comparison(env, &of_env).filter(|_| of_env.len() > 1);
            let plot = plot.map(|plot| Plot { name: format!("comparison-{}", i + 1), ..plot });
            self.plot(plot, "Mean returns of evaluations, with 95 % intervals: over runs where there are several, otherwise over episodes.");
        }
        let (headings, rows) = markdown::differences(&bare)?;
        let headings: Vec<&str> = headings.iter().map(String::as_str).collect();
        let is_long = rows.len() > MOST_ROWS;
        if is_long {
            put(&mut self.text, format_args!("<details><summary>{} settings differ</summary>\n", rows.len()));
        }
        table(&mut self.text, &headings, &rows);
        if is_long {
            self.text.push_str("</details>\n");
        }
        for (i, judged) in groups.iter().enumerate() {
            (self.level, self.prefix) = (2, format!("{}-", i + 1));
            self.section("group", &format!("{}. {}", i + 1, name(judged.group)));
            put(&mut self.text, format_args!("<p class=\"lead\">{}</p>\n", Escaped(&lead(judged.group))));
            self.level = 3;
            sections::group(self, judged)?;
        }
        Ok(())
    }

    /// Begins a section.
    pub(super) fn section(&mut self, anchor: &str, heading: &str) {
        let (anchor, level) = (format!("{}{anchor}", self.prefix), self.level);
        put(
            &mut self.text,
            format_args!("<h{level} class=\"section\" id=\"{anchor}\">{}</h{level}>\n", Escaped(heading)),
        );
        if level == 2 {
            self.links.push((anchor, heading.to_owned()));
        }
    }

    pub(super) fn say(&mut self, text: &str) {
        paragraph(&mut self.text, text);
    }

    /// Shows a figure, if there is one.
    pub(super) fn plot(&mut self, plot: Option<Plot>, caption: &str) {
        let Some(Plot { name, figure }) = plot else { return };
        let name = format!("{}{name}", self.prefix);
        let drawn = || Ok(Drawn { svg: figure.svg()?, png: figure.png(Theme::Light, 2.0)?, name });
        let width = if figure.columns > 1 { Width::Broad } else { Width::Usual };
        self.show(drawn(), Shown { title: &figure.title, caption, width, moving: "" });
    }

    /// Shows a film: moving, and as stills for those who print the page or do not want anything to move.
    pub(super) fn film(&mut self, name: &str, film: &Film, caption: &str) {
        let name = format!("{}{name}", self.prefix);
        let moving = film.moving(&name).map(|svg| {
            format!(
                "<div class=\"film\"><input type=\"checkbox\" id=\"{name}-pause\"><label for=\"{name}-pause\">Pause</label>\n\
                 {svg}</div>\n"
            )
        });
        let drawn = || Ok(Drawn { svg: film.strip_svg()?, png: film.strip_png(Theme::Light, 2.0)?, name });
        let moving = moving.unwrap_or_default();
        self.show(drawn(), Shown { title: &film.title, caption, width: Width::Broad, moving: &moving });
    }

    fn show(&mut self, drawn: Result<Drawn>, shown: Shown<'_>) {
        // Numbers may be such that no axis has a place for them; the rest of the page is worth having.
        let drawn = match drawn {
            Ok(drawn) => drawn,
            Err(error) => return self.say(&format!("A figure could not be drawn: {error}.")),
        };
        let (name, svg) = (&drawn.name, inline(&drawn.svg, &drawn.name));
        put(
            &mut self.text,
            format_args!(
                "<figure{}>\n{}<div class=\"wide\" tabindex=\"0\" role=\"group\" aria-label=\"{}\">\n{svg}</div>\n\
                 <figcaption>{} <a href=\"{PLOTS}/{name}.svg\">SVG</a>, <a href=\"{PLOTS}/{name}.png\">PNG</a></figcaption>\n\
                 </figure>\n",
                if shown.width == Width::Broad { " class=\"broad\"" } else { "" },
                shown.moving,
                Escaped(shown.title),
                Escaped(shown.caption)
            ),
        );
        self.plots.push(drawn);
    }
}

/// An SVG as it stands in a page: without what a page need not be told, and with names that no other figure has.
pub(crate) fn inline(svg: &str, name: &str) -> String {
    svg.replacen(" xmlns=\"http://www.w3.org/2000/svg\"", "", 1)
        .replace("id=\"frame-", &format!("id=\"{name}-frame-"))
        .replace("url(#frame-", &format!("url(#{name}-frame-"))
}

fn name(group: &Group) -> String {
    let config = group.config();
    format!("{} on {}", config.algo, config.env)
}

/// What was run, in a line.
fn lead(group: &Group) -> String {
    let seeds: Vec<String> = group.runs.iter().map(|run| run.seed.to_string()).collect();
    let word = if seeds.len() == 1 { "seed" } else { "seeds" };
    let config = group.config();
    format!("Preset {}, {} steps, {word} {}", config.preset, count(config.steps), seeds.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_on_one_page_share_no_names_and_name_no_address() {
        let svg = "<svg xmlns=\"http://www.w3.org/2000/svg\"><clipPath id=\"frame-0\"/><g clip-path=\"url(#frame-0)\"/></svg>";
        assert_eq!(
            inline(svg, "returns"),
            "<svg><clipPath id=\"returns-frame-0\"/><g clip-path=\"url(#returns-frame-0)\"/></svg>"
        );
    }

    #[test]
    fn figures_lie_beside_the_page() {
        assert_eq!(folder(Path::new("report.html")), Path::new("."));
        assert_eq!(folder(Path::new("a/b.html")), Path::new("a"));
    }
}
