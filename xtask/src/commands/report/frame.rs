//! What part of imagined returns is drawn: a model that runs away at first must not flatten what was earned.

use crate::plot::{Panel, Point, Series};

/// Leaves out of a panel's frame what is further from real returns than they are from each other. What they were is said in
/// the title.
pub(super) fn around_real(panel: Panel, imagined: &str) -> Panel {
    let (dreams, real): (Vec<&Series>, Vec<&Series>) =
        panel.series.iter().partition(|series| series.name.starts_with(imagined));
    let Some([low, high]) = ends(&real) else { return panel };
    around(&panel, &dreams, [low, high], high - low)
}

/// The same of gaps, by the same reach to either side of none.
pub(super) fn around_none(panel: Panel, reach: f64) -> Panel {
    let all: Vec<&Series> = panel.series.iter().collect();
    around(&panel, &all, [0.0; 2], 2.0 * reach)
}

/// How far apart the real returns of a panel are.
pub(super) fn reach(panel: &Panel, imagined: &str) -> f64 {
    let real: Vec<&Series> =
        panel.series.iter().filter(|series| !series.name.starts_with(imagined)).collect();
    ends(&real).map_or(0.0, |[low, high]| high - low)
}

fn around(panel: &Panel, dreams: &[&Series], [low, high]: [f64; 2], reach: f64) -> Panel {
    let mut panel = panel.clone();
    let Some([least, most]) = ends(dreams).filter(|_| reach > 0.0) else { return panel };
    let (floor, ceiling) = (low - reach, high + reach);
    if least >= floor && most <= ceiling {
        return panel;
    }
    panel.y.range = Some([least.min(low).max(floor), most.max(high).min(ceiling)]);
    let beyond: Vec<String> = [(least < floor, "down", least), (most > ceiling, "up", most)]
        .into_iter()
        .filter(|(beyond, ..)| *beyond)
        .map(|(_, way, number)| format!("{way} to {number:.1e}"))
        .collect();
    panel.title = format!("{}; not shown: {}", panel.title, beyond.join(", "));
    panel
}

/// The least and the largest number of some series, with their intervals.
fn ends(series: &[&Series]) -> Option<[f64; 2]> {
    let points = || series.iter().flat_map(|series| &series.points);
    let low = points().map(|point: &Point| point.low.min(point.y)).reduce(f64::min)?;
    let high = points().map(|point| point.high.max(point.y)).reduce(f64::max)?;
    Some([low, high])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::{Axis, Scale, Style};

    fn panel(imagined: &[f64]) -> Panel {
        let series = |name: &str, numbers: &[f64]| Series {
            name: name.to_owned(),
            style: Style::Line,
            points: (0..).zip(numbers).map(|(x, &y)| Point { x: f64::from(x), y, low: y, high: y }).collect(),
        };
        let axis = || Axis { label: String::new(), scale: Scale::Linear, range: None };
        let series = vec![series("evaluation", &[0.0, 100.0]), series("imagined", imagined)];
        Panel { title: "returns".to_owned(), x: axis(), y: axis(), series, lines: Vec::new() }
    }

    #[test]
    fn what_runs_away_is_left_out_and_said() {
        let found = around_real(panel(&[50.0, 3e7]), "imagined");
        assert_eq!(
            format!("{:?} {}", found.y.range, found.title),
            "Some([0.0, 200.0]) returns; not shown: up to 3.0e7"
        );
        let found = around_real(panel(&[-500.0, 150.0]), "imagined");
        assert_eq!(
            format!("{:?} {}", found.y.range, found.title),
            "Some([-100.0, 150.0]) returns; not shown: down to -5.0e2"
        );
        // The gap reaches twice as far, so that what the panel above shows is shown here.
        let found = around_none(panel(&[0.0, 1e6]), reach(&panel(&[]), "imagined"));
        assert_eq!(format!("{:?}", found.y.range), "Some([0.0, 200.0])");
    }

    #[test]
    fn what_is_near_is_left_as_it_is() {
        for near in [&[][..], &[-100.0, 200.0], &[f64::from(30_u8)]] {
            let found = around_real(panel(near), "imagined");
            assert!(found.y.range.is_none() && found.title == "returns", "{near:?}");
        }
        // Of real returns that are all the same nothing is known of how far they reach.
        let mut still = panel(&[1e9]);
        still.series[0].points.truncate(1);
        assert!(around_real(still, "imagined").y.range.is_none());
    }
}
