//! `bounds` as it is called.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod common;

use common::{Folder, stderr};
use serde_json::Value as Json;

const CALLS: [(&str, &str, &str); 7] = [
    ("mbpo-4.1", "--gamma 0.99 --r-max 1 --eps-m 0.1 --eps-pi 0.05 --k 3", "eps_m"),
    ("mbpo-4.2", "--gamma 0.9 --r-max 2 --eps-m 0.01 --eps-pi 0.1 --k 7", "k"),
    ("mbpo-4.3", "--gamma 0.9 --r-max 2 --eps-m 0.01 --eps-pi 0.1 --k 7", "k"),
    ("mbpo-4.3-published", "--gamma 0.9 --r-max 2 --eps-m 0.01 --eps-pi 0.1 --k 7", "k"),
    ("mbpo-k-star", "--gamma 0.9 --r-max 2 --eps-m 0.01 --eps-pi 0.1 --k 7", "eps_m"),
    ("mopo-return", "--gamma 0.9 --r-max 2 --lambda 3 --eps-u 0.7", "eps_u"),
    ("psrl-regret", "--r-max 2 --horizon 10 --episodes 30 --entropy 0.7 --c 1.5 --kl 0.02", "episodes"),
];

fn close(found: &Json, expected: f64) -> bool {
    (found.as_f64().unwrap() - expected).abs() <= 1e-9 * expected.abs().max(1.0)
}

#[test]
fn the_keys_that_others_script_against_are_there_and_the_values_are_those_of_the_formulas() {
    let here = Folder::new("bounds");
    // By hand, with h = 1 / (1 − γ) and 0.9⁷ = 0.4782969.
    let (h, seventh) = (10.0, 0.478_296_9);
    let branched = |kept: f64, step: f64| {
        2.0 * 2.0 * (0.9 * seventh * 0.1 * h * h + (seventh + kept) * 0.1 * h + 7.0 * step * h)
    };
    let expected = [
        (2.0 * 0.99 * (0.1 + 0.1) * 1e4 + 4.0 * 0.05 * 100.0, true),
        (branched(2.0, 0.01 + 0.2), true),
        (branched(2.0, 0.01), false),
        (branched(0.0, 0.01), false),
        // 0.9²¹ = 0.109 and 0.9²² = 0.098.
        (22.0, false),
        (2.0 * 3.0 * 0.7, false),
        (((1.5 * 30.0 * 0.7f64).sqrt() + 2.0 * 30.0 * 0.02f64.sqrt()) * 20.0, false),
    ];
    for ((name, flags, swept), (value, vacuous)) in CALLS.into_iter().zip(expected) {
        let said = here.json(&format!("bounds {name} {flags} --json"));
        assert_eq!(said["bound"], name);
        assert!(close(&said["value"], value), "{name}: {said}, not {value}");
        assert_eq!(said["vacuous"], vacuous, "{name}");
        let mut words = flags.split(' ');
        while let (Some(flag), Some(number)) = (words.next(), words.next()) {
            let key = flag.trim_start_matches('-').replace('-', "_");
            assert!(close(&said["inputs"][key], number.parse().unwrap()), "{name} {flag}: {said}");
        }
        assert_eq!(said["inputs"].as_object().unwrap().len(), flags.split(' ').count() / 2);
        assert_eq!(said["against"], swept);
        let table = said["table"].as_array().unwrap();
        let given = table.iter().find(|row| row[swept] == said["inputs"][swept]).unwrap();
        assert!(given["value"] == said["value"] && given["vacuous"] == said["vacuous"], "{given}");
        assert!(
            table.len() > 5 && table.windows(2).all(|two| two[0][swept].as_f64() < two[1][swept].as_f64())
        );
    }
    assert!(here.entries().is_empty());
}

#[test]
fn what_has_a_default_and_what_depends_on_more_is_noted() {
    let here = Folder::new("bounds-notes");
    let in_units = here.json("bounds mbpo-4.1 --gamma 0.5 --eps-m 1 --eps-pi 0 --json");
    assert_eq!((&in_units["inputs"]["r_max"], &in_units["vacuous_above"]), (&1.0.into(), &4.0.into()));
    assert!(in_units["notes"][0].as_str().unwrap().starts_with("r-max is not given: 1"));
    // What is subtracted is all that there is, and not more.
    assert!(close(&in_units["value"], 4.0) && in_units["vacuous"] == false);
    assert_eq!(here.json("bounds mbpo-4.1 --gamma 0.5 --eps-m 1 --eps-pi 0.001 --json")["vacuous"], true);
    let untold = here.json("bounds mopo-return --lambda 5 --eps-u 100 --json");
    assert_eq!((&untold["vacuous"], &untold["vacuous_above"]), (&false.into(), &Json::Null));
    let note = untold["notes"][0].as_str().unwrap();
    for part in [
        "is unknown: give --gamma and --r-max",
        "`vacuous_above` is null",
        "`vacuous` false although unknown",
    ] {
        assert!(note.contains(part), "{note}");
    }
    let weighed =
        |lambda| here.json(&format!("bounds mopo-return --gamma 0.5 --lambda {lambda} --eps-u 1 --json"));
    // γ 2 r_max / (1 − γ) = 2.
    assert_eq!(weighed("2")["notes"].as_array().unwrap().len(), 1);
    let note = &weighed("1.5")["notes"][1];
    assert!(
        note.as_str()
            .unwrap()
            .ends_with("that much, or for half of it, 1, where all rewards lie in [0, r_max]")
    );
    assert!(here.json("bounds mbpo-k-star --gamma 0.9 --eps-m 0.1 --eps-pi 0.2 --json")["value"].is_u64());
    let of_each =
        here.json("bounds psrl-regret --horizon 2 --episodes 3 --entropy 1 --c 1 --kl 0,0.01,0.04 --json");
    let regret = (3f64.sqrt() + 2.0 * (0.1 + 0.2)) * 2.0;
    assert!(close(&of_each["value"], regret) && of_each["inputs"]["kl"].as_array().unwrap().len() == 3);
    let policies = |entropy: &str, c: &str| {
        let call = format!(
            "bounds psrl-regret --horizon 2 --episodes 3 --entropy {entropy} --c {c} --kl 0 --r-max 1 --json"
        );
        here.json(&call)["notes"].clone()
    };
    assert!(policies("1.0986122886", "1.5").as_array().unwrap().is_empty());
    assert_eq!(
        policies("1.1", "1.5")[0],
        "the entropy, 1.1, is too large for c: C = |Π| / 2 means |Π| = 3 policies, whose entropy is at most ln 3 = 1.09861"
    );
    assert_eq!(policies("0", "0")[0], "C = |Π| / 2 is at least 0.5, as there is one policy at least");
    // Of fewer episodes the first are counted; of more nothing is known.
    let table = of_each["table"].as_array().unwrap();
    assert!(table.len() == 3 && close(&table[1]["value"], (2f64.sqrt() + 0.2) * 2.0), "{of_each}");
}

#[test]
fn the_example_is_told_in_both_readings() {
    let here = Folder::new("bounds-example");
    for said in [
        here.json("bounds psrl-example-1 --json"),
        here.json("bounds psrl-example-1 --horizon 3 --kl 0.1 --json"),
    ] {
        assert!(close(&said["value"], 3f64.ln()) && said["vacuous"] == false, "{said}");
        let [matrix, prose] = &said["readings"].as_array().unwrap()[..] else { panic!("{said}") };
        assert!(
            matrix["reading"] == "matrix"
                && close(&matrix["kl"], 3f64.ln())
                && close(&matrix["flexible_kl"], 0.0)
        );
        assert!(prose["reading"] == "prose" && close(&prose["kl"], 1.5f64.ln()));
        assert!(close(&prose["largest_kl"], 3f64.ln()) && close(&said["flexible_kl"], 0.0));
    }
    assert!(here.said("bounds psrl-example-1").contains("the equation      1.09861  1.09861"));
}

#[test]
fn a_person_is_told_the_statement_the_value_and_what_it_is_worth() {
    let here = Folder::new("bounds-text");
    let text = here.said("bounds mbpo-4.1 --gamma 0.99 --eps-m 0.1 --eps-pi 0");
    for part in [
        "η(π) ≥ η̂(π) − [2 γ r_max",
        "at gamma 0.99, r-max 1, eps-m 0.1, eps-pi 0",
        "it subtracts 1980: vacuous, as that is more than two returns can ever differ by (200)",
        "  0.1       1980  vacuous, given  ██",
    ] {
        assert!(text.contains(part), "no {part} in {text}");
    }
    let text = here.said("bounds mbpo-4.3 --gamma 0.9 --eps-m 0.01 --eps-pi 0.1 --k 7");
    assert!(text.contains("not vacuous") && text.contains("\n 22 ") && text.contains("least"), "{text}");
    assert!(here.said("bounds mbpo-k-star --gamma 0.9 --eps-m 0.2 --eps-pi 0.1").contains("k* is 0: "));
    let text = here.said("bounds mbpo-4.2 --gamma 0.9 --eps-m 0.01 --eps-pi 0.1 --k 7 --against gamma");
    assert!(text.contains("0.99 ") && text.contains("0.9 ") && text.contains("given"), "{text}");
    // Whoever types a row in again has that row.
    let near = here.said("bounds mbpo-4.1 --gamma 0.9999999999 --eps-m 0 --eps-pi 0.1 --against gamma");
    let rows = near.lines().filter(|line| line.trim_start().starts_with("0.9999"));
    let rows: Vec<Vec<&str>> = rows.map(|row| row.split_whitespace().collect()).collect();
    assert!(rows.len() > 10 && rows.windows(2).all(|two| two[0][0] != two[1][0]), "{near}");
    for row in rows {
        let again =
            here.said(&format!("bounds mbpo-4.1 --gamma {} --eps-m 0 --eps-pi 0.1 --against gamma", row[0]));
        let again = again.lines().find(|line| line.contains("given  ")).unwrap();
        assert_eq!(again.split_whitespace().take(2).collect::<Vec<_>>(), row[..2]);
    }
}

#[test]
fn the_verdict_is_right_where_there_is_little_to_say() {
    let here = Folder::new("bounds-verdicts");
    let psrl = "psrl-regret --horizon 10 --episodes 50 --entropy 1 --c 1.5";
    for (args, said) in [
        (
            "mbpo-4.1 --r-max 0 --gamma 0.9 --eps-m 0.1 --eps-pi 0.1".to_owned(),
            "it subtracts 0: all returns are 0",
        ),
        (
            "mopo-return --r-max 0 --gamma 0.9 --lambda 1 --eps-u 1".to_owned(),
            "it subtracts 2: vacuous, as all returns are 0",
        ),
        (format!("{psrl} --kl 0.1 --r-max 0"), "regret is at most 0: all returns are alike"),
        (
            format!("{psrl} --kl 1"),
            "regret is at most 1086.6: vacuous, as regret never exceeds K·H·R_max = 500",
        ),
        (
            format!("{psrl} --kl 0"),
            "regret is at most 86.6025: not vacuous, as regret may be up to K·H·R_max = 500",
        ),
        (
            "mbpo-k-star --gamma 0.9 --eps-m 0 --eps-pi 0".to_owned(),
            "k* is 0: every length is as good, as eps-m and eps-pi are 0",
        ),
        (
            "mbpo-k-star --gamma 0 --eps-m 0.1 --eps-pi 0.5".to_owned(),
            "k* is 1: theorem 4.3 subtracts least for rollouts of this length",
        ),
    ] {
        let text = here.said(&format!("bounds {args}"));
        assert!(text.lines().any(|line| line == said), "no {said} in {text}");
    }
    // Of lengths that are all alike none is the least.
    let alike = here.said("bounds mbpo-4.3 --r-max 0 --gamma 0.9 --eps-m 0.1 --eps-pi 0.1 --k 3");
    assert!(!alike.contains("least"), "{alike}");
}

#[test]
fn without_a_name_all_bounds_are_listed() {
    let here = Folder::new("bounds-list");
    let listed = here.json("bounds --json");
    let names: Vec<&str> =
        listed.as_array().unwrap().iter().map(|bound| bound["name"].as_str().unwrap()).collect();
    assert_eq!(names[..4], ["mbpo-4.1", "mbpo-4.2", "mbpo-4.3", "mbpo-4.3-published"]);
    assert_eq!(names[4..], ["mbpo-k-star", "mopo-return", "psrl-regret", "psrl-example-1"]);
    let text = here.said("bounds");
    assert!(names.iter().all(|name| text.contains(name)));
    // What is shown as an example says something.
    let call = text.trim_end().lines().last().unwrap().strip_prefix("cargo xtask ").unwrap().to_owned();
    assert_eq!(here.json(&format!("{call} --json"))["vacuous"], false);
    let psrl = listed.as_array().unwrap().iter().filter(|bound| bound["family"] == "psrl");
    assert!(
        psrl.into_iter().all(|b| b["source"].as_str().unwrap().starts_with("Wang, Chen and Murphy 2024, "))
    );
    let help = here.said("bounds --help").split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "Where its `vacuous_above` is null, whether the bound is vacuous is unknown, and its `vacuous` is false",
        "of one episode, in nats: one number that holds for every episode, or K numbers separated by commas",
        "a file of that name is replaced",
    ] {
        assert!(help.contains(part), "no {part} in {help}");
    }
}

#[test]
fn every_bound_is_drawn_against_each_of_its_symbols() {
    let here = Folder::new("bounds-plots");
    let listed = here.json("bounds --json");
    for (name, flags, usual) in CALLS.into_iter().chain([("psrl-example-1", "", "")]) {
        let bound = listed.as_array().unwrap().iter().find(|bound| bound["name"] == name).unwrap();
        let needs = bound["needs"].as_array().unwrap().iter().map(|symbol| symbol.as_str().unwrap());
        let against = needs.filter(|symbol| *symbol != usual).map(|symbol| format!("--against {symbol}"));
        for against in against.chain([String::new()]) {
            let call = format!("bounds {name} {flags} {against}");
            let said = here.json(&format!("{call} --plot a.svg --json"));
            here.said(&format!("{call} --plot a.png"));
            let svg = std::fs::read_to_string(here.path().join("a.svg")).unwrap();
            assert_eq!(said["bound"], name);
            assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{call}");
            assert!(svg.contains(name) && !svg.contains("NaN") && !svg.contains(",inf"), "{call}");
            let png = std::fs::read(here.path().join("a.png")).unwrap();
            assert!(tiny_skia::Pixmap::decode_png(&png).unwrap().width() > 600, "{call}");
        }
    }
    assert_eq!(here.entries().len(), 2);
    let svg = |flags: &str| {
        here.said(&format!("bounds {flags} --plot b.svg"));
        std::fs::read_to_string(here.path().join("b.svg")).unwrap()
    };
    let branched = svg("mbpo-4.3 --gamma 0.9 --eps-m 0.01 --eps-pi 0.1 --k 7");
    for name in [
        "theorem 4.2 (ε_m under π_D)<",
        "theorem 4.3, lecture notes (ε_m′ under π)<",
        "theorem 4.3, published (ε_m′ under π)<",
        "vacuous above 20",
        "mbpo-4.3 at γ = 0.9, r_max = 1, ε_m = ε_m′ = 0.01, ε_π = 0.1<",
        "k = 7: ",
    ] {
        assert!(branched.contains(&format!(">{name}")), "{name}");
    }
    for (bound, label) in [
        ("mbpo-4.1", "ε_m, the error of the model under π_D"),
        ("mbpo-4.2", "the error of the model: of theorem 4.2 ε_m under π_D, of theorem 4.3 ε_m′ under π"),
        ("mbpo-k-star", "ε_m′, the error of the model under π"),
    ] {
        let swept = svg(&format!("{bound} --gamma 0.9 --eps-m 0.01 --eps-pi 0.1 --k 7 --against eps-m"));
        assert!(swept.contains(&format!(">{label}<")), "{bound}");
    }
    // What is past all that can be drawn is not in the legend either.
    let huge = svg("mbpo-4.3 --r-max 4e87 --gamma 0.99 --eps-m 0.001 --eps-pi 0.05 --k 390");
    assert!(huge.contains(">theorem 4.3, published") && !huge.contains(">theorem 4.2"));
    let regret = svg("psrl-regret --horizon 10 --episodes 30 --entropy 0.7 --c 1.5 --kl 0.02");
    assert!(regret.contains(">regret at most<") && regret.contains(">under exact inference (KL = 0)<"));
    let lengths = svg("mbpo-k-star --gamma 0.9 --eps-m 0.01 --eps-pi 0.1");
    assert!(
        ["0.025", "0.05", "0.1", "0.2", "0.4"].iter().all(|eps| lengths.contains(&format!("ε_π = {eps}<")))
    );
    assert!(lengths.contains(">ε_m′ = 0.01, ε_π = 0.1: 22<"));
    // A script hears nothing but the document; a file that was there is replaced.
    let output = here
        .call("bounds mbpo-k-star --gamma 0.9 --eps-m 0.1 --eps-pi 0.2 --plot b.svg --json")
        .output()
        .unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", stderr(&output));
    assert_ne!(std::fs::read_to_string(here.path().join("b.svg")).unwrap(), lengths);
    let output = here.call("bounds psrl-example-1 --plot b.svg").output().unwrap();
    assert_eq!(stderr(&output), "wrote b.svg\n");
}

#[test]
fn what_cannot_be_is_one_line_and_leaves_nothing_behind() {
    let here = Folder::new("bounds-bad");
    let mbpo = "--r-max 1 --eps-m 0.1 --eps-pi 0.1 --k 3";
    let psrl = "--horizon 5 --entropy 1 --c 1";
    let driver = env!("CARGO_BIN_EXE_xtask");
    for (args, said) in [
        ("mbpo-4.4x".to_owned(), "no bound is called `mbpo-4.4x`: did you mean `mbpo-4.1`?"),
        (format!("mbpo-4.1 --gamma 1 {mbpo}"), "gamma is 1: expected at least 0 and below 1"),
        (format!("mbpo-4.1 --gamma -0.1 {mbpo}"), "gamma is -0.1: expected at least 0 and below 1"),
        (format!("mbpo-k-star --gamma nan {mbpo}"), "gamma is NaN: expected at least 0 and below 1"),
        (format!("mbpo-k-star --gamma -inf {mbpo}"), "gamma is -inf: expected at least 0 and below 1"),
        ("mbpo-4.2 --r-max -1".to_owned(), "r-max is -1: expected a finite number of at least 0"),
        ("mbpo-4.2 --r-max inf".to_owned(), "r-max is inf: expected a finite number of at least 0"),
        ("mbpo-4.3 --eps-m 1.5".to_owned(), "eps-m is 1.5: expected 0 to 1"),
        ("mbpo-4.3 --eps-pi -1e-3".to_owned(), "eps-pi is -0.001: expected 0 to 1"),
        ("mbpo-4.3 --k -1".to_owned(), "k is -1: expected a whole number from 0 to 2^53"),
        ("mbpo-4.3 --k 2.5".to_owned(), "k is 2.5: expected a whole number from 0 to 2^53"),
        (
            "mopo-return --lambda -1 --eps-u 1".to_owned(),
            "lambda is -1: expected a finite number of at least 0",
        ),
        (
            "mopo-return --lambda 1 --eps-u inf".to_owned(),
            "eps-u is inf: expected a finite number of at least 0",
        ),
        ("psrl-regret --horizon 0".to_owned(), "horizon is 0: expected a whole number from 1 to 2^53"),
        ("psrl-regret --episodes -3".to_owned(), "episodes is -3: expected a whole number from 1 to 2^53"),
        ("psrl-regret --entropy -1".to_owned(), "entropy is -1: expected a finite number of at least 0"),
        ("psrl-regret --c nan".to_owned(), "c is NaN: expected a finite number of at least 0"),
        ("psrl-regret --kl 0.1,-0.2".to_owned(), "kl is -0.2: expected a finite number of at least 0"),
        ("psrl-regret --kl -0.1,inf".to_owned(), "kl is -0.1: expected a finite number of at least 0"),
        ("psrl-regret --kl inf".to_owned(), "kl is inf: expected a finite number of at least 0"),
        (format!("psrl-regret {psrl} --episodes 3 --kl 1,2"), "2 values of kl for 3 episodes"),
        (
            format!("psrl-regret {psrl} --episodes 2 --kl 1,2 --against kl"),
            "--against kl needs one number for kl",
        ),
        (
            "mbpo-4.1 --gamma 0.9 --eps-m 0.1".to_owned(),
            "--eps-pi is missing: mbpo-4.1 needs gamma, r-max, eps-m and",
        ),
        ("mopo-return --lambda 1".to_owned(), "--eps-u is missing: mopo-return needs lambda and eps-u"),
        (
            format!("mbpo-4.1 --gamma 0.9 --lambda 1 {mbpo}"),
            "--lambda is no symbol of mbpo-4.1: it takes gamma, r-max",
        ),
        (
            format!("mbpo-4.1 --gamma 0.9 {mbpo} --against k"),
            "--against k: that is no symbol of mbpo-4.1: it depends on",
        ),
        (
            format!("mbpo-4.1 --gamma 0.9 {mbpo} --against epsm"),
            "--against epsm: that is no symbol of mbpo-4.1: did you mean `eps-m`?",
        ),
        (
            "psrl-example-1 --against k".to_owned(),
            "--against k: that is no symbol of psrl-example-1: it depends on none",
        ),
        (
            "mbpo-k-star --gamma 0.9 --eps-m 0 --eps-pi 0.1".to_owned(),
            "k* is unbounded: eps-m is 0 and eps-pi is 0.1",
        ),
        (
            format!("mbpo-4.1 --gamma 0.9 {mbpo} --plot a.pdf"),
            "--plot a.pdf: expected a name that ends in .svg or .png",
        ),
        (
            format!("mbpo-4.1 --gamma 0.9 {mbpo} --plot no/such/a.svg"),
            "--plot: the folder no/such does not exist: make it first",
        ),
        (
            format!("mbpo-4.1 --gamma 0.9 {mbpo} --plot {}", here.path().display()),
            &format!(
                "--plot: {} is a folder: give the name of a file in it that ends in .svg or .png",
                here.path().display()
            ),
        ),
        (
            format!("psrl-example-1 --plot {driver}/a.svg"),
            &format!("--plot: {driver} is no folder: give another"),
        ),
        (format!("mbpo-4.1 --gamma 1 {mbpo} --plot a.svg"), "gamma is 1"),
        ("mopo-return --lambda 1e200 --eps-u 1 --plot a.svg".to_owned(), "--plot: the numbers are too large"),
        (
            "mbpo-4.1 --gamma 0.99999999 --r-max 1e308 --eps-m 1 --eps-pi 1".to_owned(),
            "theorem 4.1 comes to inf",
        ),
        ("--gamma 0.9".to_owned(), "--gamma of which bound? Name one: mbpo-4.1, "),
        ("--plot a.svg".to_owned(), "--plot of which bound?"),
    ] {
        for json in ["", " --json"] {
            let output = here.call(&format!("bounds {args}{json}")).output().unwrap();
            let error = stderr(&output);
            assert_eq!(output.status.code(), Some(2), "{args}: {error}");
            assert!(
                error.starts_with(&format!("error: {said}")) && error.lines().count() == 1,
                "{args}: {error}"
            );
            assert!(output.stdout.is_empty() && here.entries().is_empty(), "{args}: {:?}", here.entries());
        }
    }
    for args in ["mbpo-4.1 --gamma x", "mbpo-4.1 --gamma --json", "mbpo-4.1 --gama 1", "mbpo-4.1 mbpo-4.2"] {
        let output = here.call(&format!("bounds {args}")).output().unwrap();
        assert!(output.status.code() == Some(2) && output.stdout.is_empty(), "{args}: {}", stderr(&output));
    }
}
