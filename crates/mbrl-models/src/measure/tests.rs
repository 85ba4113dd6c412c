//! The measures against closed forms, their own symmetries, and numpy.

use super::*;
use mbrl_core::MomentsMut;
use proptest::prelude::*;

/// Means and variances by member, row and column.
#[derive(Debug)]
struct Table {
    mean: Vec<f32>,
    variance: Vec<f32>,
    rows: usize,
    dim: usize,
}

impl Table {
    /// Of one row: a mean and a variance for each member and column.
    fn row(members: &[(&[f32], &[f32])]) -> Self {
        Table {
            mean: members.iter().flat_map(|m| m.0.iter().copied()).collect(),
            variance: members.iter().flat_map(|m| m.1.iter().copied()).collect(),
            rows: 1,
            dim: members[0].0.len(),
        }
    }

    fn measure(&self, spec: UncertaintySpec, state_dim: usize, elites: &[u16]) -> Result<Vec<f32>> {
        let (mut mean, mut variance) = (self.mean.clone(), self.variance.clone());
        let moments = MomentsMut::new(&mut mean, &mut variance, self.rows, self.dim);
        let mut out = vec![f32::NAN; self.rows];
        uncertainty(spec, moments.view(), state_dim, elites, &mut out).map(|()| out)
    }
}

fn close(a: f32, b: f64) -> bool {
    (f64::from(a) - b).abs() <= 1e-6 * b.abs().max(1e-6)
}

#[test]
fn two_members_by_hand() {
    // μ = (0, 0, 0) and (3, 4, 12), the last column being the reward; σ² = (1, 4, 4) and (0, 3, 4).
    let table = Table::row(&[(&[0.0, 0.0, 0.0], &[1.0, 4.0, 4.0]), (&[3.0, 4.0, 12.0], &[0.0, 3.0, 4.0])]);
    let of = |measure, columns| {
        let spec = UncertaintySpec { measure, columns, members: Members::All };
        table.measure(spec, 2, &[]).unwrap()[0]
    };
    use Uncertainty::*;
    for (measure, all, state) in [
        (MaxCovarianceNorm, 33f64.sqrt(), 17f64.sqrt()),
        (MaxPairwiseDistance, 13.0, 5.0),
        // Half the distance squared is the variance of two points; the variances' means are (½, 3½, 4).
        (EnsembleVariance, 8.0 + 169.0 / 4.0, 4.0 + 25.0 / 4.0),
        (MaxStdNorm, 3.0, 5f64.sqrt()),
        (MaxDeviation, 6.5, 2.5),
        (EnsembleStd, (169.0f64 / 4.0 / 3.0).sqrt(), (25.0f64 / 4.0 / 2.0).sqrt()),
    ] {
        assert!(close(of(measure, Columns::All), all), "{measure}");
        assert!(close(of(measure, Columns::State), state), "{measure}");
    }
}

#[test]
fn elites_alone_are_looked_at_where_they_are_asked_for() {
    let table = Table::row(&[(&[0.0], &[1.0]), (&[100.0], &[900.0]), (&[2.0], &[4.0])]);
    let of = |measure: Uncertainty, members| {
        let spec = UncertaintySpec { members, ..measure.published() };
        table.measure(spec, 1, &[2, 0]).unwrap()[0]
    };
    assert!(close(of(Uncertainty::MaxStdNorm, Members::Elites), 2.0));
    assert!(close(of(Uncertainty::MaxStdNorm, Members::All), 30.0));
    assert!(close(of(Uncertainty::MaxPairwiseDistance, Members::Elites), 2.0));
    assert!(close(of(Uncertainty::MaxDeviation, Members::Elites), 1.0));
    assert!(close(of(Uncertainty::EnsembleVariance, Members::Elites), 3.5));
}

/// From `reference/uncertainty.py`, which makes the same table: 18 members (more than one block), 3 rows, 4 columns.
#[test]
fn numpy_says_the_same() {
    let (members, rows, dim) = (18, 3, 4);
    let each = |number: fn(usize, usize, usize) -> f32| {
        let cells = (0..members).flat_map(|m| (0..rows).flat_map(move |r| (0..dim).map(move |c| (m, r, c))));
        cells.map(|(m, r, c)| number(m, r, c)).collect::<Vec<_>>()
    };
    let table = Table {
        mean: each(|m, r, c| ((7 * m + 3 * r + 5 * c + m * c) % 11) as f32 / 4.0 - 1.0),
        variance: each(|m, r, c| (((3 * m + 5 * r + 2 * c) % 7 + 1) * (r + c + 2)) as f32 / 8.0),
        rows,
        dim,
    };
    const REFERENCE: [(Uncertainty, [f64; 3], [f64; 3]); 6] = include!("../../reference/uncertainty.in");
    for (measure, all, elites) in REFERENCE {
        let spec = measure.published();
        let got = table.measure(spec, 3, &[]).unwrap();
        assert!(got.iter().zip(all).all(|(a, b)| close(*a, b)), "{measure}: {got:?} for {all:?}");
        let spec = UncertaintySpec { members: Members::Elites, ..spec };
        let got = table.measure(spec, 3, &[4, 1, 16, 9, 2]).unwrap();
        assert!(got.iter().zip(elites).all(|(a, b)| close(*a, b)), "{measure}: {got:?} for {elites:?}");
    }
}

#[test]
fn bad_moments_are_named() {
    let good = Table { mean: vec![0.5; 12], variance: vec![0.5; 12], rows: 3, dim: 2 };
    for measure in Uncertainty::ALL {
        let refused = |cell: usize, mean: bool, number: f32| {
            let mut bad = Table { mean: good.mean.clone(), variance: good.variance.clone(), ..good };
            let table = if mean { &mut bad.mean } else { &mut bad.variance };
            table[cell] = number;
            bad.measure(measure.published(), 1, &[]).unwrap_err()
        };
        // Cell 9 is column 1 of row 1 of member 1: the reward, which a measure of the state does not look at.
        for (mean, number) in [(true, f32::NAN), (true, f32::NEG_INFINITY), (false, f32::INFINITY)] {
            let error = refused(9, mean, number);
            assert!(error.is_non_finite(), "{error}");
            let said = error.to_string();
            assert!(["member 1", "column 1", "row 1"].iter().all(|part| said.contains(part)), "{said}");
        }
        assert!(refused(3, false, -1.0).is_invalid());
        assert!(good.measure(measure.published(), 3, &[]).unwrap_err().is_invalid());
        assert!(good.measure(measure.published(), 0, &[]).unwrap_err().is_invalid());
    }
    let huge = Table { mean: vec![0.0; 2], variance: vec![3e38; 2], rows: 1, dim: 2 };
    let error = huge.measure(Uncertainty::MaxCovarianceNorm.published(), 2, &[]).unwrap_err();
    assert!(error.is_non_finite() && error.to_string().contains("row 0"), "{error}");
    let mut nothing = [0.0; 2];
    let moments = MomentsMut::new(&mut [], &mut [], 0, 2).view().rows();
    assert_eq!(moments, 0);
    let none = MomentsMut::new(&mut [], &mut [], 2, 2);
    let error = uncertainty(UncertaintySpec::default(), none.view(), 2, &[], &mut nothing).unwrap_err();
    assert!(error.to_string().contains("no member"), "{error}");
}

#[test]
fn names_round_trip_in_text_and_json() {
    for measure in Uncertainty::ALL {
        assert_eq!(measure.name().parse::<Uncertainty>().unwrap(), measure);
        let spec = measure.published();
        let json = serde_json::to_string(&spec).unwrap();
        assert!(json.contains(&format!("\"measure\":\"{measure}\"")), "{json}");
        assert_eq!(serde_json::from_str::<UncertaintySpec>(&json).unwrap(), spec);
    }
    let error = "max_deviaton".parse::<Uncertainty>().unwrap_err().to_string();
    assert!(error.contains("did you mean `max_deviation`?"), "{error}");
    // A spec is written out whole: half of one would hide which columns count.
    assert!(serde_json::from_str::<UncertaintySpec>("{\"measure\":\"max_deviation\"}").is_err());
}

fn tables() -> impl Strategy<Value = Table> {
    (1usize..20, 1usize..4, 1usize..5).prop_flat_map(|(members, rows, dim)| {
        let numbers = members * rows * dim;
        let mean = prop::collection::vec(-100f32..100.0, numbers);
        let variance = prop::collection::vec(0f32..100.0, numbers);
        (mean, variance).prop_map(move |(mean, variance)| Table { mean, variance, rows, dim })
    })
}

proptest! {
    #[test]
    fn the_order_of_members_does_not_matter(table in tables(), turn in 1usize..20) {
        let width = table.rows * table.dim;
        let turned = |numbers: &[f32]| {
            let mut numbers = numbers.to_vec();
            let by = turn * width % numbers.len();
            numbers.rotate_left(by);
            numbers.chunks(width).rev().flatten().copied().collect::<Vec<_>>()
        };
        let other = Table { mean: turned(&table.mean), variance: turned(&table.variance), ..table };
        for measure in Uncertainty::ALL {
            let spec = measure.published();
            let (a, b) = (table.measure(spec, table.dim, &[])?, other.measure(spec, table.dim, &[])?);
            prop_assert!(a.iter().zip(&b).all(|(a, b)| close(*a, f64::from(*b))), "{measure}: {a:?} {b:?}");
        }
    }

    #[test]
    fn members_that_agree_and_are_sure_are_at_exactly_zero(
        row in prop::collection::vec(-1e6f32..1e6, 1..6),
        members in 1usize..20,
    ) {
        let zeros = vec![0.0; row.len()];
        let table = Table::row(&vec![(row.as_slice(), zeros.as_slice()); members]);
        for measure in Uncertainty::ALL {
            prop_assert_eq!(table.measure(measure.published(), row.len(), &[])?[0].to_bits(), 0, "{}", measure);
        }
    }

    #[test]
    fn all_scale_with_the_unit(table in tables(), power in -3i32..4) {
        // States in another unit, s -> k·s: means scale by k and variances by k².
        let k = 2f32.powi(power);
        let scaled = Table {
            mean: table.mean.iter().map(|x| x * k).collect(),
            variance: table.variance.iter().map(|x| x * k * k).collect(),
            ..table
        };
        for measure in Uncertainty::ALL {
            let by = match measure {
                Uncertainty::MaxCovarianceNorm | Uncertainty::EnsembleVariance => k * k,
                _ => k,
            };
            let spec = measure.published();
            let (a, b) = (table.measure(spec, table.dim, &[])?, scaled.measure(spec, table.dim, &[])?);
            prop_assert!(a.iter().zip(&b).all(|(a, b)| close(*b, f64::from(a * by))), "{measure}");
        }
    }
}
