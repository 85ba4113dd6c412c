//! What a model promises and the world pays, and the penalty that would make up for the difference.

use super::imagine::{Acts, Dreams, Recordings, doubts, encoded};
use super::subject::Subject;
use crate::out;
use mbrl_agents::{ci95, mean, student_975};
use mbrl_bounds::mopo::{LambdaEstimate, lambda_from_returns};
use mbrl_core::{Error, Key, Mode, Result, RowBuf};
use mbrl_models::{Uncertainty, UncertaintySpec};
use serde::Serialize;

/// Returns from the same starts, imagined and real.
#[derive(Serialize)]
pub(super) struct Returns {
    /// `episodes`, in which the policy acts on either side, or `windows`, whose recorded actions are imagined again.
    pub(super) of: &'static str,
    pub(super) starts: usize,
    /// How often each start was imagined.
    pub(super) replicas: usize,
    /// After how many steps either side is cut.
    pub(super) steps: usize,
    /// Episodes that the starts are of: intervals take these, and not windows of them, for independent.
    pub(super) episodes: usize,
    /// Rollouts in which the states, or the doubt of them, left all numbers there are; they are not counted.
    pub(super) lost: usize,
    pub(super) discount: f64,
    pub(super) undiscounted: Gap,
    pub(super) discounted: Gap,
    pub(super) weights: Vec<Weight>,
}

/// Imagined less real returns.
#[derive(Serialize)]
pub(super) struct Gap {
    pub(super) imagined: f64,
    pub(super) real: f64,
    pub(super) gap: f64,
    /// Student's interval of the mean of the pairs' differences, by episode; none of a single one.
    pub(super) ci95: Option<[f64; 2]>,
}

/// The weight that a penalty needs; a number that is none is infinite.
#[derive(Serialize)]
pub(super) struct Weight {
    pub(super) spec: UncertaintySpec,
    /// With this λ the penalised return is at most the real one in the mean over starts.
    pub(super) lambda: Option<f64>,
    pub(super) low: Option<f64>,
    pub(super) high: Option<f64>,
    /// With this λ it is from 95 in 100 starts, each by itself.
    pub(super) most: Option<f64>,
    /// The discounted sum of the measure that is met in imagination, in the mean.
    pub(super) met: f64,
}

/// What came from one start.
#[derive(Clone, Default)]
struct Paid {
    real: [f64; 2],
    imagined: [f64; 2],
    met: [f64; Uncertainty::ALL.len()],
    /// Of which episode the start is.
    episode: usize,
    /// How many rollouts were added up.
    count: usize,
}

/// How often each start is imagined, as a draw from a model is one of many.
const REPLICAS: usize = 8;
/// Not more windows are imagined.
const WINDOWS: usize = 400;

/// Measures returns of whole episodes where a policy can be asked, or else of recorded windows of so many steps.
pub(super) fn returns(subject: &Subject, length: usize, key: Key) -> Result<Returns> {
    let (model, gamma) = (subject.model()?, f64::from(subject.spec.discount));
    let policy = subject.policy();
    let (of, steps, recorded) = match policy {
        Some(_) => ("episodes", subject.limit(), episodes(subject)),
        None => ("windows", length, Recordings::of(&subject.held, length, WINDOWS)?),
    };
    out::progress(format_args!("imagining {} {of} {REPLICAS} times each", recorded.rewards.len()));
    let acts = match policy.as_deref() {
        Some(policy) => Acts::Policy(policy, Mode::Mean),
        None => Acts::Recorded(recorded.acts.view()),
    };
    let starts = encoded(model, recorded.starts.view())?;
    let dreams = Dreams::of(model, starts.view(), acts, (steps, REPLICAS), key)?;
    let paid = |(rewards, &episode): (&Vec<f32>, &usize)| Paid {
        real: sums(rewards, gamma),
        episode,
        ..Paid::default()
    };
    let mut paid: Vec<Paid> = recorded.rewards.iter().zip(&recorded.episodes).map(paid).collect();
    let mut lost = 0;
    for dream in dreams.each() {
        if dream.is_lost {
            lost += 1;
            continue;
        }
        let unsure = match doubts(model, dream.states.slice(0..dream.acts.len()), dream.acts) {
            Ok(unsure) => unsure,
            // States that are numbers yet, but so far apart that their distance is none.
            Err(error) if error.is_non_finite() => {
                lost += 1;
                continue;
            }
            Err(error) => return Err(error),
        };
        let paid = &mut paid[dream.start];
        paid.count += 1;
        for (sum, earned) in paid.imagined.iter_mut().zip(sums(dream.rewards, gamma)) {
            *sum += earned;
        }
        for (sum, unsure) in paid.met.iter_mut().zip(unsure) {
            *sum += sums(&unsure, gamma)[1];
        }
    }
    paid.retain(|paid| paid.count > 0);
    if paid.len() < 2 {
        return Err(Error::invalid(format_args!(
            "{} starts can be compared, {lost} rollouts being lost: two are needed at least: give more data, or a smaller --length",
            paid.len()
        )));
    }
    let side = |of: &dyn Fn(&Paid) -> f64| paid.iter().map(of).collect::<Vec<f64>>();
    let clusters = Clusters::of(&paid);
    let gap = |i: usize| {
        Gap::of(&side(&|paid| paid.imagined[i] / paid.count as f64), &side(&|paid| paid.real[i]), &clusters)
    };
    let (imagined, real) = (side(&|paid| paid.imagined[1] / paid.count as f64), side(&|paid| paid.real[1]));
    let weight = |(i, measure): (usize, Uncertainty)| {
        let met = side(&|paid| paid.met[i] / paid.count as f64);
        let found = clusters.lambda(&imagined, &real, &met)?;
        Ok(Weight::of(measure.published(), found, mean(&met)))
    };
    Ok(Returns {
        of,
        starts: paid.len(),
        episodes: clusters.count,
        replicas: REPLICAS,
        steps,
        lost,
        discount: gamma,
        undiscounted: gap(0),
        discounted: gap(1),
        weights: Uncertainty::ALL.into_iter().enumerate().map(weight).collect::<Result<_>>()?,
    })
}

/// The sum of some numbers, as they are and discounted.
fn sums(numbers: &[f32], gamma: f64) -> [f64; 2] {
    let (mut bare, mut discounted, mut worth) = (0.0, 0.0, 1.0);
    for x in numbers.iter().map(|x| f64::from(*x)) {
        bare += x;
        discounted += worth * x;
        worth *= gamma;
    }
    [bare, discounted]
}

/// The held-out episodes as a whole.
fn episodes(subject: &Subject) -> Recordings {
    let held = &subject.held;
    let (mut starts, mut rewards, mut first) = (RowBuf::new(held.dims().obs), Vec::new(), 0);
    for (row, _) in held.end.iter().enumerate().filter(|(_, end)| end.is_end()) {
        starts.push(held.obs.row(first));
        rewards.push(held.reward[first..=row].to_vec());
        first = row + 1;
    }
    let episodes = (0..rewards.len()).collect();
    Recordings { starts, acts: RowBuf::default(), rewards, episodes }
}

/// Which starts are of one episode: what goes wrong in one of its windows does in the next one, so that no interval may count
/// them as two.
struct Clusters {
    /// Of each start, counted from 0.
    of: Vec<usize>,
    count: usize,
}

impl Clusters {
    /// Those of starts in the order of their episodes.
    fn of(paid: &[Paid]) -> Self {
        let mut count = 1;
        let mut of = vec![0; paid.len()];
        for (i, pair) in paid.windows(2).enumerate() {
            count += usize::from(pair[0].episode != pair[1].episode);
            of[i + 1] = count - 1;
        }
        Clusters { of, count }
    }

    /// A number of each episode, the sum of those of its starts, in such units that the mean stays the same.
    fn sums(&self, numbers: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0; self.count];
        self.of.iter().zip(numbers).for_each(|(&episode, number)| sums[episode] += number);
        let units = self.count as f64 / numbers.len() as f64;
        sums.iter_mut().for_each(|sum| *sum *= units);
        sums
    }

    /// Student's interval of the mean over starts. Episodes may have different numbers of them, so that it is a ratio of two
    /// sums over episodes, whose spread is that of what is left when the mean is taken from each start.
    fn ci95(&self, numbers: &[f64]) -> Option<[f64; 2]> {
        let centre = mean(numbers);
        let apart: Vec<f64> = numbers.iter().map(|x| x - centre).collect();
        ci95(&self.sums(&apart)).map(|[low, high]| [centre + low, centre + high])
    }

    /// The weight over starts, and its interval over episodes; nothing is ruled out by a single one.
    fn lambda(&self, imagined: &[f64], real: &[f64], met: &[f64]) -> Result<LambdaEstimate> {
        let found = lambda_from_returns(imagined, real, met, 0.0)?;
        if self.count < 2 {
            return Ok(LambdaEstimate { low: 0.0, high: f64::INFINITY, ..found });
        }
        let quantile = student_975(self.count - 1);
        let [imagined, real, met] = [imagined, real, met].map(|side| self.sums(side));
        let LambdaEstimate { low, high, .. } = lambda_from_returns(&imagined, &real, &met, quantile)?;
        Ok(LambdaEstimate { low: low.min(found.lambda), high: high.max(found.lambda), ..found })
    }
}

impl Gap {
    fn of(imagined: &[f64], real: &[f64], clusters: &Clusters) -> Self {
        let gaps: Vec<f64> = imagined.iter().zip(real).map(|(imagined, real)| imagined - real).collect();
        Gap { imagined: mean(imagined), real: mean(real), gap: mean(&gaps), ci95: clusters.ci95(&gaps) }
    }
}

impl Weight {
    fn of(spec: UncertaintySpec, found: LambdaEstimate, met: f64) -> Self {
        let finite = |x: f64| x.is_finite().then_some(x);
        let LambdaEstimate { lambda, low, high, most, .. } = found;
        let [lambda, low, high, most] = [lambda, low, high, most].map(finite);
        Weight { spec, lambda, low, high, most, met }
    }
}
