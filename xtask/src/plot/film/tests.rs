//! What films must be: the same bytes each time, every shot in its place, and small.

use super::*;
use mbrl_envs::Role;
use std::f64::consts::TAU;

fn shots(env: &str, obs: impl IntoIterator<Item = Vec<f32>>) -> Film {
    let entry = mbrl_envs::find(env).unwrap();
    let shot = |(i, obs): (usize, Vec<f32>)| {
        let sketch = entry.sketch(&obs).unwrap().unwrap();
        Shot { caption: format!("step {i}"), sketch }
    };
    Film { title: format!("A {env} & more"), shots: obs.into_iter().enumerate().map(shot).collect() }
}

/// A pendulum that turns once around, from upright.
fn pendulum(count: usize) -> Film {
    let angle = |i: usize| TAU * i as f64 / count as f64;
    shots("pendulum", (0..count).map(|i| vec![angle(i).cos() as f32, angle(i).sin() as f32, 0.0]))
}

/// The paths of a moving picture: what each is drawn with, and its points shot by shot.
fn paths(svg: &str) -> Vec<(&str, Vec<Vec<[f64; 2]>>)> {
    let path = |text: &'_ str| -> Vec<Vec<[f64; 2]>> {
        let numbers = |part: &str| -> Vec<f64> {
            let part = part.trim_end_matches(['Z']).trim_end_matches("h0");
            part.split(' ').map(|number| number.parse().unwrap()).collect()
        };
        let parts = text.split('M').skip(1);
        parts.map(|part| numbers(part).chunks(2).map(|pair| [pair[0], pair[1]]).collect()).collect()
    };
    let all = svg.split("<path ").skip(1).map(|rest| rest.split("/>").next().unwrap());
    all.map(|tag| {
        let (pen, way) = tag.split_once(" d=\"").unwrap();
        (pen, path(way.trim_end_matches('"')))
    })
    .collect()
}

#[test]
fn a_pendulum_stands_above_its_pivot_in_the_first_shot_and_hangs_in_the_middle_one() {
    let svg = pendulum(8).moving("pole").unwrap();
    let paths = paths(&svg);
    let [(rod, shots), (pivot, still)] = paths.as_slice() else { panic!("{svg}") };
    assert_eq!((shots.len(), still.len()), (8, 1));
    assert!(rod.contains("runs film-pole") && !pivot.contains("runs"), "{svg}");
    // The view is 2.4 high and the window 280, and shots stand two windows apart.
    let scale = 280.0 / 2.4;
    for (i, way) in [(0, [0.0, -1.0]), (2, [-1.0, 0.0]), (4, [0.0, 1.0]), (6, [1.0, 0.0])] {
        let [from, to] = [shots[i][0], shots[i][1]];
        let pivot = [140.0, 140.0 + 560.0 * i as f64];
        for axis in 0..2 {
            assert!((from[axis] - pivot[axis]).abs() < 0.06, "shot {i}: {from:?}");
            assert!((to[axis] - from[axis] - scale * way[axis]).abs() < 0.11, "shot {i}: {from:?} to {to:?}");
        }
    }
}

#[test]
fn the_window_goes_from_the_first_shot_to_the_last_and_waits_there() {
    let svg = pendulum(41).moving("pole").unwrap();
    // Two seconds for forty steps and one to wait.
    for said in [
        "@keyframes film-pole { 66.67%, to { transform: translateY(-22400px) } }",
        ".film-pole { animation: film-pole 3s steps(40) infinite }",
        ".bar-pole { animation: bar-pole 3s linear infinite }",
        "viewBox=\"0 0 280 280\"",
        "<title>A pendulum &amp; more</title>",
        "prefers-color-scheme: dark",
    ] {
        assert!(svg.contains(said), "{said}: {svg}");
    }
    assert!(!svg.contains("script") && !svg.contains("http"));
    let still = pendulum(1).moving("pole").unwrap();
    assert!(!still.contains("keyframes") && !still.contains("runs"), "{still}");
}

#[test]
fn films_are_the_same_bytes_each_time_and_small() {
    for (film, most) in [
        (pendulum(201), 12_000),
        (
            shots(
                "reacher",
                (0..201).map(|i| {
                    let (sin, cos) = (0.03 * i as f32).sin_cos();
                    vec![cos, sin, sin, cos, 0.0, 0.0, 0.5, 0.1]
                }),
            ),
            20_000,
        ),
        (
            shots(
                "cartpole-swingup",
                (0..201).map(|i| {
                    let (sin, cos) = (0.03 * i as f32).sin_cos();
                    vec![sin, cos, sin, 0.0, 0.0]
                }),
            ),
            25_000,
        ),
    ] {
        let svg = film.moving("a").unwrap();
        assert!(svg.len() < most, "{}: {} bytes", film.title, svg.len());
        assert_eq!(svg, film.moving("a").unwrap());
        let strip = film.strip_svg().unwrap();
        assert!(strip.len() < 40_000, "{}", strip.len());
        assert_eq!(strip, film.strip_svg().unwrap());
        let png = film.strip_png(Theme::Dark, 1.0).unwrap();
        assert!(png.starts_with(b"\x89PNG\r\n") && png == film.strip_png(Theme::Dark, 1.0).unwrap());
    }
}

#[test]
fn a_strip_has_eight_stills_from_the_first_shot_to_the_last() {
    let strip = pendulum(201).strip_svg().unwrap();
    let captions: Vec<&str> =
        strip.split(">step ").skip(1).map(|rest| rest.split('<').next().unwrap()).collect();
    assert_eq!(captions, ["0", "29", "57", "86", "114", "143", "171", "200"]);
    for count in 1..40 {
        let chosen: Vec<usize> = stills(count).collect();
        assert_eq!((chosen.len(), chosen[0], chosen[chosen.len() - 1]), (count.min(8), 0, count - 1));
        assert!(chosen.windows(2).all(|pair| pair[0] < pair[1]), "{count}: {chosen:?}");
    }
}

#[test]
fn a_rod_is_painted_to_its_thickness_and_no_further() {
    let film = pendulum(5);
    let view = film.view().unwrap();
    let stage = Stage::new(&view, Box2 { left: 10.0, top: 20.0, width: 240.0, height: 240.0 });
    for Shot { sketch, .. } in &film.shots {
        let Form::Rod { ends, radius } = &sketch.shapes[0].form else { panic!("{sketch:?}") };
        let [a, b] = ends.map(|end| stage.place(end));
        let (radius, along) = (100.0 * radius, [b[0] - a[0], b[1] - a[1]]);
        let Mark::Area { points, .. } = &stage.marks(sketch)[0] else { panic!() };
        assert!(points.len() > 30);
        for [x, y] in points {
            let t = ((x - a[0]) * along[0] + (y - a[1]) * along[1]) / 1e4;
            let t = t.clamp(0.0, 1.0);
            let off = (x - a[0] - t * along[0]).hypot(y - a[1] - t * along[1]);
            assert!((off - radius).abs() < 1e-9, "{off} for {radius}");
        }
    }
}

#[test]
fn a_body_that_leaves_its_view_is_followed_and_one_that_is_lost_is_not_seen_elsewhere() {
    let here = vec![0.0, 0.0, 0.0, 0.0];
    let at = |x: f32, y: f32| vec![x, y, 0.0, 0.0];
    let aspect = |film: &Film| film.view().unwrap().aspect();
    let within = shots("point-mass", [here.clone(), at(1.0, -1.0)]);
    assert!((aspect(&within) - 1.0).abs() < 1e-12);
    // The view ends at 1.15, and the body is 0.08 wide to either side.
    let left = shots("point-mass", [here.clone(), at(2.0, 0.0)]);
    assert!((aspect(&left) - (1.15 + 2.08) / 2.3).abs() < 1e-6, "{}", aspect(&left));
    let lost = shots("point-mass", [here.clone(), at(1e6, -1e6), here]);
    assert!((aspect(&lost) - 1.0).abs() < 1e-12);
    let svg = lost.moving("lost").unwrap();
    assert_eq!(paths(&svg)[1].1.len(), 2, "{svg}");
    let strip = lost.strip().unwrap();
    let stills = strip.marks.iter().filter_map(|mark| match mark {
        Mark::Inside(_, marks) => Some(marks.len()),
        _ => None,
    });
    assert_eq!(stills.collect::<Vec<_>>(), [2, 1, 2]);
}

#[test]
fn films_that_cannot_be_are_refused_in_a_line() {
    let refused = |film: &Film, words: &[&str]| {
        for error in [film.moving("x").unwrap_err(), film.strip_svg().unwrap_err()] {
            let said = error.to_string();
            assert!(words.iter().all(|word| said.contains(word)) && said.lines().count() == 1, "{said}");
        }
    };
    refused(&Film { title: "none".to_owned(), shots: Vec::new() }, &["film `none`", "no shots"]);
    let mut film = pendulum(4);
    film.shots[2].sketch.shapes.swap(0, 1);
    refused(&film, &["shot 2", "other shapes than the first"]);
    let mut film = pendulum(4);
    film.shots[3].sketch.shapes[0].form = Form::Rod { ends: [[0.0, f64::NAN], [0.0; 2]], radius: 0.1 };
    refused(&film, &["shot 3", "NaN"]);
}

#[test]
fn every_body_has_an_ink_of_its_own_and_the_goal_is_seen_through() {
    let film = shots("reacher", [vec![1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.5, 0.1]]);
    let sketch = &film.shots[0].sketch;
    let inks = inks(sketch);
    for (i, ink) in inks.iter().enumerate() {
        assert!(!inks[..i].contains(ink), "{inks:?}");
    }
    let goal = sketch.shapes.iter().position(|shape| shape.role == Role::Goal).unwrap();
    assert!(opacity(sketch.shapes[goal].role) < 1.0);
}
