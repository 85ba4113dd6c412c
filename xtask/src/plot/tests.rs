//! What every figure must be: the same bytes each time, nothing over anything else, and no panic.

use super::axis::Extent;
use super::font::Font;
use super::scene::{Anchor, Box2, Ink, Mark, PALETTE, Scene, Stroke};
use super::*;
use proptest::prelude::*;

fn axis(label: &str, scale: Scale) -> Axis {
    Axis { label: label.to_owned(), scale, range: None }
}

fn series(name: &str, style: Style) -> Series {
    let point = |i: u32| {
        let (x, y) = (f64::from(10u32.pow(i)), f64::from(i) - 3.0);
        Point { x, y, low: y - 0.5, high: y + 0.25 }
    };
    Series { name: name.to_owned(), style, points: (1..=4).map(point).collect() }
}

fn panel(title: &str, series: Vec<Series>) -> Panel {
    let (x, y) = (axis("model evaluations", Scale::Log), axis("return", Scale::Linear));
    let line = Reference { label: "optimum".to_owned(), y: 1.5 };
    Panel { title: title.to_owned(), x, y, series, lines: vec![line] }
}

fn figure() -> Figure {
    let all = || vec![series("CEM", Style::Bars), series("MPPI", Style::Band), series("random", Style::Line)];
    let panels = vec![panel("pendulum", all()), panel("acrobot", all())];
    Figure { title: "Return against budget".to_owned(), panels, columns: 2 }
}

/// All marks, those in boxes too.
fn flat(marks: &[Mark]) -> Vec<&Mark> {
    let mut all = Vec::new();
    for mark in marks {
        match mark {
            Mark::Inside(_, marks) => all.extend(flat(marks)),
            other => all.push(other),
        }
    }
    all
}

fn text_boxes(scene: &Scene) -> Vec<(String, Box2)> {
    let font = Font::load().unwrap();
    let text_box = |mark: &&Mark| {
        let Mark::Text { text, at: [x, y], size, anchor, turned, .. } = mark else { return None };
        if text.is_empty() {
            return None;
        }
        let width = font.width(text, *size).unwrap();
        let start = match anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => -0.5 * width,
            Anchor::End => -width,
        };
        let (up, down) = (0.72 * size, 0.2 * size);
        let place = match turned {
            false => Box2 { left: x + start, top: y - up, width, height: up + down },
            true => Box2 { left: x - up, top: y - start - width, width: up + down, height: width },
        };
        Some((text.clone(), place))
    };
    flat(&scene.marks).iter().filter_map(text_box).collect()
}

fn overlap(a: &Box2, b: &Box2) -> bool {
    a.left < b.right() && b.left < a.right() && a.top < b.bottom() && b.top < a.bottom()
}

#[test]
fn the_same_figure_gives_the_same_bytes() {
    assert_eq!(figure().svg().unwrap(), figure().svg().unwrap());
    assert_eq!(figure().png(Theme::Dark, 1.5).unwrap(), figure().png(Theme::Dark, 1.5).unwrap());
}

/// Makes a figure one that cannot be drawn.
type Spoil = fn(&mut Figure);

#[test]
fn bad_input_is_one_clear_line() {
    let cases: &[(Spoil, &str)] = &[
        (|f| f.panels.clear(), "it has no panels or no columns"),
        (|f| f.columns = 0, "it has no panels or no columns"),
        (|f| f.panels[1].series.clear(), "panel 1 `acrobot`: it has no series"),
        (|f| f.panels[0].series[2].points.clear(), "panel 0 `pendulum`: series `random`: it has no points"),
        (|f| f.panels[0].series[0].points[1].y = f64::NAN, "series `CEM`: y of point 1: NaN cannot be drawn"),
        (
            |f| f.panels[0].series[0].points[1].high = f64::INFINITY,
            "interval of point 1: inf cannot be drawn",
        ),
        (|f| f.panels[0].series[0].points[0].x = 0.0, "x of point 0: 0 has no place on a log scale"),
        (|f| f.panels[0].y.scale = Scale::Log, "y of point 0: -2 has no place on a log scale"),
        (|f| f.panels[0].series[0].points[2].y = 1e200, "y of point 2: 1000"),
        (|f| f.panels[0].series[0].points.swap(1, 2), "point 2 is not to the right of point 1: sort by x"),
        (
            |f| f.panels[0].series[1].points[0].low = 9.0,
            "point 0 has the interval 9 to -1.75: low comes first",
        ),
        (|f| f.panels[0].series[1].name = "CEM".to_owned(), "two series are called `CEM`"),
        (|f| f.panels[0].series[1].name.clear(), "series ``: the legend needs its name"),
        (|f| f.panels[0].x.range = Some([0.0, 1.0]), "x axis: range: 0 has no place on a log scale"),
        (|f| f.panels[0].y.range = Some([2.0, 1.0]), "y axis: range 2 to 1 has no room for ticks"),
        (|f| f.panels[0].y.range = Some([1.0, 1.0 + f64::EPSILON]), "has no room for ticks"),
        (|f| f.panels[0].y.range = Some([0.0, 1e-300]), "has no room for ticks"),
        (|f| f.panels[0].y.range = Some([-1.0, 1.0]), "reference `optimum` at 1.5 is outside the y range"),
        (|f| f.panels[0].lines[0].y = f64::NAN, "reference `optimum`: NaN cannot be drawn"),
        (|f| f.title = "日".to_owned(), "which the font lacks: write it in other letters"),
        (|f| f.panels[0].lines[0].label = "two\nlines".to_owned(), "has '\\n', which the font lacks"),
        (
            |f| f.panels[0].series = (0..8).map(|i| series(&i.to_string(), Style::Line)).collect(),
            "11 series cannot be told apart: show at most 7",
        ),
    ];
    for (spoil, text) in cases {
        let mut figure = figure();
        spoil(&mut figure);
        let error = figure.svg().unwrap_err();
        assert!(error.is_invalid() && error.to_string().contains(text), "{error}\nshould say: {text}");
        assert_eq!(figure.png(Theme::Light, 1.0).unwrap_err().to_string(), error.to_string());
    }
    for scale in [0.0, -1.0, f32::NAN, 1e9] {
        let error = figure().png(Theme::Light, scale).unwrap_err();
        assert!(error.to_string().contains("is not between 0.1 and 16"), "{error}");
    }
    let mut endless = figure();
    endless.panels = vec![endless.panels[0].clone(); 400];
    assert!(endless.png(Theme::Light, 16.0).unwrap_err().to_string().contains("pixels are too many"));
}

#[test]
fn an_interval_that_is_not_drawn_need_not_be_there() {
    let mut figure = figure();
    for point in &mut figure.panels[0].series[2].points {
        (point.low, point.high) = (f64::NAN, f64::NAN);
    }
    figure.svg().unwrap();
}

fn labels(range: [f64; 2], scale: Scale, most: usize) -> String {
    let mut panel = panel("", vec![series("a", Style::Line)]);
    panel.x = Axis { label: String::new(), scale, range: Some(range) };
    let ticks = Extent::of_x(&panel).ticks(most);
    ticks
        .iter()
        .map(|tick| tick.label.as_str())
        .filter(|label| !label.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn ticks_have_the_numbers_that_a_person_would_write() {
    for (range, most, expected) in [
        ([0.0, 1.0], 5, "0 0.2 0.4 0.6 0.8 1"),
        ([0.0, 60_000.0], 6, "0 10k 20k 30k 40k 50k 60k"),
        ([0.0, 11_000.0], 4, "0 2.5k 5k 7.5k 10k"),
        ([0.0, 1e6], 4, "0 0.2M 0.4M 0.6M 0.8M 1M"),
        ([-1300.0, -100.0], 5, "−1200 −1000 −800 −600 −400 −200"),
        ([-0.35, 0.1], 5, "−0.3 −0.2 −0.1 0 0.1"),
        ([1_000_000.0, 1_000_003.0], 3, "1000000 1000001 1000002 1000003"),
        ([0.0, 5e-5], 5, "0 1e−5 2e−5 3e−5 4e−5 5e−5"),
        ([0.0, 6e-5], 2, "0 2.5e−5 5e−5"),
        ([1.0, 153.0], 2, "50 100 150"),
        ([0.0, 3e15], 3, "0 1e15 2e15 3e15"),
    ] {
        assert_eq!(labels(range, Scale::Linear, most), expected, "{range:?}");
    }
    for (range, most, expected) in [
        ([10.0, 1e5], 6, "10 100 1k 10k 100k"),
        ([40.0, 40_000.0], 6, "100 1k 10k"),
        ([1e-4, 1.0], 6, "1e−4 0.001 0.01 0.1 1"),
        ([1.0, 1e12], 5, "1 1k 1M 1G 1e12"),
        ([80.0, 2500.0], 6, "100 200 500 1k 2k"),
        ([80.0, 2500.0], 4, "100 300 1k"),
        ([110.0, 190.0], 4, "120 140 160 180"),
    ] {
        assert_eq!(labels(range, Scale::Log, most), expected, "{range:?}");
    }
}

#[test]
fn a_point_stands_where_its_numbers_say() {
    let mut figure = figure();
    figure.panels.truncate(1);
    let panel = &mut figure.panels[0];
    panel.series.truncate(1);
    panel.series[0].points = vec![Point { x: 100.0, y: 7.5, low: 5.0, high: 10.0 }];
    panel.x.range = Some([1.0, 1e4]);
    panel.y.range = Some([0.0, 10.0]);
    panel.lines.clear();
    let scene = figure.scene().unwrap();
    let frame = scene.marks.iter().find_map(|mark| match mark {
        Mark::Inside(frame, _) => Some(*frame),
        _ => None,
    });
    let frame = frame.unwrap();
    let marks = flat(&scene.marks);
    let mut discs = marks.iter().filter_map(|mark| match mark {
        Mark::Disc { center, .. } => Some(*center),
        _ => None,
    });
    // The first is the sample in the legend.
    let [x, y] = discs.next_back().unwrap();
    assert!((x - (frame.left + 0.5 * frame.width)).abs() < 1e-9);
    assert!((y - (frame.top + 0.25 * frame.height)).abs() < 1e-9);
    let bar = marks.iter().any(|mark| match mark {
        Mark::Line { points, .. } => {
            let ends = [frame.top + 0.5 * frame.height, frame.top];
            points.len() == 2
                && points.iter().zip(ends).all(|(p, end)| (p[0] - x).abs() + (p[1] - end).abs() < 1e-9)
        }
        _ => false,
    });
    assert!(bar, "no error bar from 5 to 10");
}

#[test]
fn what_has_no_name_and_nothing_beside_it_has_no_legend() {
    let of_one = |name: &str| {
        let mut one = series("x", Style::Line);
        one.name = name.to_owned();
        let panels = vec![panel("pendulum", vec![one.clone()]), panel("acrobot", vec![one])];
        Figure { title: "Return".to_owned(), panels, columns: 2 }.scene().unwrap()
    };
    let (named, nameless) = (of_one("CEM"), of_one(""));
    assert!((named.height - nameless.height - 19.0).abs() < 1e-9, "{} {}", named.height, nameless.height);
    let texts =
        |scene: &Scene| flat(&scene.marks).iter().filter(|mark| matches!(mark, Mark::Text { .. })).count();
    assert_eq!(texts(&named), texts(&nameless) + 1);
    assert_eq!(flat(&named.marks).len(), flat(&nameless.marks).len() + 2);
}

#[test]
fn a_name_has_one_color_in_all_panels_and_one_entry() {
    let mut figure = figure();
    figure.panels[1].series.reverse();
    let svg = figure.svg().unwrap();
    for name in ["CEM", "MPPI", "random"] {
        assert_eq!(svg.matches(&format!(">{name}</text>")).count(), 1);
    }
    // CEM came first and has discs of the first color: four in each panel and one in the legend.
    assert_eq!(svg.matches("<circle").count(), 9);
    assert_eq!(svg.matches(r##"fill="#0072b2" stroke"##).count(), 9);
}

#[test]
fn text_is_escaped() {
    let mut figure = figure();
    figure.title = "a < b & \"c\" > d".to_owned();
    let svg = figure.svg().unwrap();
    assert!(svg.contains("<title>a &lt; b &amp; \"c\" &gt; d</title>"));
    assert!(!svg.contains("a < b"));
}

#[test]
fn the_png_shows_the_series_on_its_ground() {
    for (theme, i) in [(Theme::Light, 0), (Theme::Dark, 1)] {
        let picture = tiny_skia::Pixmap::decode_png(&figure().png(theme, 2.0).unwrap()).unwrap();
        let scene = figure().scene().unwrap();
        assert_eq!(picture.width(), (2.0 * scene.width).ceil() as u32);
        assert_eq!(picture.height(), (2.0 * scene.height).ceil() as u32);
        let hex = |pixel: &tiny_skia::PremultipliedColorU8| {
            format!("#{:02x}{:02x}{:02x}", pixel.red(), pixel.green(), pixel.blue())
        };
        let ground = Ink::Ground.color(theme);
        assert_eq!(hex(&picture.pixels()[0]), ground);
        assert_eq!(hex(picture.pixels().last().unwrap()), ground);
        for color in [PALETTE[0][i], PALETTE[1][i], PALETTE[2][i], Ink::Text.color(theme)] {
            let seen = picture.pixels().iter().filter(|pixel| hex(pixel) == color).count();
            assert!(seen > 100, "{seen} pixels of {color}");
        }
    }
}

/// The contrast of WCAG 2: 3 is asked of graphics, and 4.5 of text.
fn contrast(a: &str, b: &str) -> f64 {
    let luminance = |hex: &str| {
        let part = |i: usize| {
            let s = f64::from(u8::from_str_radix(&hex[i..i + 2], 16).unwrap()) / 255.0;
            if s <= 0.04045 { s / 12.92 } else { ((s + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
    };
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn inks_are_seen_on_their_ground() {
    for theme in [Theme::Light, Theme::Dark] {
        let on_ground = |ink: Ink| contrast(ink.color(theme), Ink::Ground.color(theme));
        assert!(on_ground(Ink::Text) > 7.0 && on_ground(Ink::Muted) > 4.5);
        // Of the palette's later colors, orange and sky blue are too light for white; markers and dashes help there.
        let seen = if theme == Theme::Light { 4 } else { PALETTE.len() };
        for i in 0..seen {
            assert!(on_ground(Ink::Series(i)) > 3.0, "{theme:?} {i}: {}", on_ground(Ink::Series(i)));
        }
    }
}

#[test]
fn dots_are_behind_the_curves_and_not_joined() {
    let panel = panel("", vec![series("curve", Style::Line), series("points", Style::Dots)]);
    let scene = Figure { title: String::new(), panels: vec![panel], columns: 1 }.scene().unwrap();
    let inside = scene.marks.iter().find_map(|mark| match mark {
        Mark::Inside(_, marks) => Some(marks),
        _ => None,
    });
    let kinds: Vec<&str> = inside
        .unwrap()
        .iter()
        .map(|mark| match mark {
            Mark::Disc { ink: Ink::Series(1), .. } => "dot",
            Mark::Line { stroke: Stroke { ink: Ink::Series(0), .. }, .. } => "curve",
            Mark::Line { .. } => "reference",
            _ => "other",
        })
        .collect();
    assert_eq!(kinds, ["reference", "dot", "dot", "dot", "dot", "curve"]);
}

fn any_axis(scale: Scale) -> impl Strategy<Value = f64> {
    (-9.0..9.0f64, prop::bool::ANY).prop_map(move |(power, negative)| {
        let size = 10f64.powf(power);
        if negative && scale == Scale::Linear { -size } else { size }
    })
}

fn any_scale() -> impl Strategy<Value = Scale> {
    prop_oneof![Just(Scale::Linear), Just(Scale::Log)]
}

fn any_series(x: Scale, y: Scale) -> impl Strategy<Value = Series> {
    let style = prop_oneof![Just(Style::Line), Just(Style::Band), Just(Style::Bars), Just(Style::Dots)];
    let point = (any_axis(x), any_axis(y), any_axis(y), any_axis(y)).prop_map(|(x, a, b, c)| {
        let mut ys = [a, b, c];
        ys.sort_by(f64::total_cmp);
        Point { x, y: ys[1], low: ys[0], high: ys[2] }
    });
    (style, prop::collection::vec(point, 1..6)).prop_map(|(style, mut points)| {
        points.sort_by(|a, b| a.x.total_cmp(&b.x));
        points.dedup_by(|a, b| a.x.to_bits() == b.x.to_bits());
        Series { name: String::new(), style, points }
    })
}

fn any_panel() -> impl Strategy<Value = Panel> {
    (any_scale(), any_scale()).prop_flat_map(|(x, y)| {
        let lines = prop::collection::vec(("[ -~]{0,14}", any_axis(y)), 0..4);
        let series = prop::collection::vec(any_series(x, y), 1..4);
        ("[ -~]{0,60}", "[ -~]{0,50}", "[ -~]{0,70}", series, lines).prop_map(
            move |(title, a, b, mut series, lines)| {
                for (i, series) in series.iter_mut().enumerate() {
                    series.name = [
                        "CEM",
                        "a name that is far too long to stand in the line of the others with the next",
                        "a rather long name of a planner",
                    ][i]
                        .to_owned();
                }
                let lines = lines.into_iter().map(|(label, y)| Reference { label, y }).collect();
                Panel { title, x: axis(&a, x), y: axis(&b, y), series, lines }
            },
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn nothing_stands_over_anything_or_sticks_out(
        title in "[ -~]{0,150}",
        panels in prop::collection::vec(any_panel(), 1..6),
        columns in 1usize..5,
    ) {
        let scene = Figure { title, panels, columns }.scene().unwrap();
        let texts = text_boxes(&scene);
        for (i, (text, place)) in texts.iter().enumerate() {
            let fits = place.left >= 0.0 && place.top >= 0.0 && place.right() <= scene.width && place.bottom() <= scene.height;
            prop_assert!(fits, "{text:?} sticks out: {place:?}");
            for (other, there) in &texts[..i] {
                prop_assert!(!overlap(place, there), "{text:?} {place:?} and {other:?} {there:?}");
            }
            for mark in &scene.marks {
                if let Mark::Inside(frame, _) = mark {
                    prop_assert!(!overlap(place, frame), "{text:?} {place:?} covers {frame:?}");
                }
            }
        }
    }

    #[test]
    fn labels_say_where_their_ticks_are(scale in any_scale(), a in any_axis(Scale::Log), b in any_axis(Scale::Log), most in 2usize..9) {
        prop_assume!((a / b).ln().abs() > 1e-6);
        let mut panel = panel("", vec![series("a", Style::Line)]);
        panel.x = Axis { label: String::new(), scale, range: Some([a.min(b), a.max(b)]) };
        let ticks = Extent::of_x(&panel).ticks(most);
        let labelled: Vec<_> = ticks.iter().filter(|tick| !tick.label.is_empty()).collect();
        prop_assert!((2..=most + 2).contains(&labelled.len()), "{labelled:?}");
        for pair in labelled.windows(2) {
            prop_assert!(pair[0].value < pair[1].value && pair[0].label != pair[1].label);
        }
        let step = labelled[1].value - labelled[0].value;
        for tick in labelled {
            let (text, unit) = match tick.label.chars().last() {
                Some('k') => (tick.label.trim_end_matches('k'), 1e3),
                Some('M') => (tick.label.trim_end_matches('M'), 1e6),
                Some('G') => (tick.label.trim_end_matches('G'), 1e9),
                _ => (tick.label.as_str(), 1.0),
            };
            let said = text.replace('\u{2212}', "-").parse::<f64>().unwrap() * unit;
            prop_assert!((said - tick.value).abs() < 1e-6 * step.max(tick.value.abs() * 1e-6), "{tick:?}");
        }
    }
}
