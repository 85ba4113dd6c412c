//! How MOPO learns from datasets, beside itself without its penalty and beside a clone of who acted.

mod dataset;
mod known;
mod table;

pub(super) use dataset::Dataset;

use super::learning::{Earned, Group};
use super::{Made, Scale};
use crate::plot::{Axis, Figure, Panel, Point, Reference, Scale as AxisScale, Series, Style};
use known::{PENDULUM, SPIN, SWINGUP, Weight};
use mbrl_core::{Error, Result};
use table::{Compared, Weighed, compared};

const UPDATES: u64 = 30_000;

/// A run from a dataset.
const FROM_DATA: Group = Group {
    name: "MOPO",
    algo: "mopo",
    preset: "fast",
    env: "",
    steps: UPDATES,
    seeds: 5,
    eval: (5_000, 10),
    set: &[],
    data: None,
};

/// What is compared on every dataset.
const AGENTS: [Group; 3] = [
    FROM_DATA,
    Group { name: "no penalty", preset: "no-penalty", ..FROM_DATA },
    Group { name: "clone", algo: "bc", steps: 10_000, ..FROM_DATA },
];

/// Rollouts as long as in the papers, where the preset has longer ones.
const SHORT: &[&str] = &["agent.rollouts.length=5"];

fn short() -> [Group; 3] {
    AGENTS.map(|group| Group { set: if group.algo == "mopo" { SHORT } else { group.set }, ..group })
}

pub(super) fn pendulum(scale: Scale) -> Result<Made> {
    make("MOPO on datasets of the pendulum", scale, PENDULUM, &AGENTS)
}

pub(super) fn cartpole_swingup(scale: Scale) -> Result<Made> {
    make("MOPO on datasets of cartpole-swingup", scale, SWINGUP, &AGENTS)
}

pub(super) fn spin(scale: Scale) -> Result<Made> {
    let agents = short().map(|group| Group { steps: group.steps.min(15_000), ..group });
    make("MOPO with another reward than the data were made for", scale, SPIN, &agents)
}

/// Every agent on every dataset: a panel each.
fn make(title: &str, scale: Scale, datasets: &'static [Dataset], agents: &[Group]) -> Result<Made> {
    let (mut panels, mut all) = (Vec::new(), Vec::new());
    for dataset in datasets {
        let recording = dataset.open(scale)?;
        let groups: Vec<Group> =
            agents.iter().map(|group| Group { env: dataset.env, data: Some(dataset), ..*group }).collect();
        let curves = groups.iter().map(|group| group.evaluations(scale)).collect::<Result<Vec<_>>>()?;
        let acted = dataset.acted_well(scale)?;
        let found = compared(dataset, &recording, acted, curves, table::chosen(&groups[0], scale)?);
        panels.push(panel(&found));
        all.push(found);
    }
    let figure = Figure { title: title.to_owned(), panels, columns: 2 };
    let (table, found) = (table::whole(&all), table::found(&all));
    Ok(Made { figure, found, table, data: serde_json::to_value(&all).map_err(Error::backend)? })
}

fn panel(found: &Compared) -> Panel {
    let series = |curve: &Vec<Earned>| Series {
        name: curve.first().map_or("", Earned::group).to_owned(),
        style: Style::Band,
        points: curve.iter().map(Earned::point).collect(),
    };
    let axis = |label: &str| Axis { label: label.to_owned(), scale: AxisScale::Linear, range: None };
    let lines = vec![Reference { label: "data".to_owned(), y: found.data.mean }];
    Panel {
        title: found.name.to_owned(),
        x: axis("updates"),
        y: axis("return"),
        series: found.curves.iter().map(series).collect(),
        lines,
    }
}

pub(super) fn lambda(scale: Scale) -> Result<Made> {
    let data = known::FOR_LAMBDA;
    let recording = data.open(scale)?;
    let bare = Group { env: data.env, data: Some(data), ..known::UNWEIGHED };
    let last = |group: &Group| table::last(group, scale);
    let unweighed = last(&bare)?;
    let (mut series, mut rows) = (Vec::new(), Vec::new());
    for (name, weights) in &known::WEIGHED {
        let mut points = Vec::new();
        for &Weight { lambda, name: run, set } in *weights {
            let weighed = last(&Group { name: run, preset: "fast", set, ..bare })?;
            let x = lambda.parse().map_err(Error::invalid)?;
            points.push(Point { x, ..weighed.point() });
            rows.push(Weighed { penalty: name, lambda, earned: weighed });
        }
        series.push(Series { name: (*name).to_owned(), style: Style::Bars, points });
    }
    let lines = vec![
        Reference { label: "data".to_owned(), y: mbrl_agents::mean(&recording.returns()) },
        Reference { label: "no penalty".to_owned(), y: unweighed.mean },
    ];
    rows.insert(0, Weighed { penalty: "none", lambda: "0", earned: unweighed });
    let axis = |label: &str, scale| Axis { label: label.to_owned(), scale, range: None };
    let panel = Panel {
        title: String::new(),
        x: axis("weight of the penalty", AxisScale::Log),
        y: axis("return after the last update", AxisScale::Linear),
        series,
        lines,
    };
    let figure =
        Figure { title: format!("MOPO's penalty on {}", data.name), panels: vec![panel], columns: 1 };
    Ok(Made {
        figure,
        found: table::weights_found(&rows),
        data: serde_json::to_value(&rows).map_err(Error::backend)?,
        table: table::weights(&rows),
    })
}
