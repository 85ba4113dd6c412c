//! A corridor to walk along.

use mbrl_core::{End, Env, Error, Key, Result, Snapshot, Space, Spec, Step};

/// A corridor of `length` places; an action from [−1, 1] moves by as much, the far end terminates, and each step earns the
/// distance it gained. Nothing is left to chance.
#[derive(Clone, Debug)]
pub struct Corridor {
    spec: Spec,
    place: Option<f32>,
}

impl Corridor {
    /// A corridor of `length` places, walked from 0.
    ///
    /// # Panics
    ///
    /// Where the length is 0.
    pub fn new(length: u16) -> Self {
        let length = f32::from(length);
        let obs = Space::bounded(&[0.0], &[length]).expect("a corridor has a length");
        let act = Space::symmetric(1, 1.0).expect("an interval");
        Corridor { spec: Spec::new(obs, act), place: None }
    }

    fn length(&self) -> f32 {
        match &self.spec.obs {
            Space::Box(bounds) => bounds.high()[0],
            Space::Discrete { .. } => unreachable!("the corridor is an interval"),
        }
    }
}

impl Env for Corridor {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn reset(&mut self, _: Key, obs: &mut [f32]) -> Result<()> {
        self.place = Some(0.0);
        obs[0] = 0.0;
        Ok(())
    }

    fn step(&mut self, act: &[f32], _: Key, obs: &mut [f32]) -> Result<Step> {
        let place = self.place.ok_or_else(|| Error::invalid("reset the corridor first"))?;
        self.spec.check_action(act)?;
        let next = (place + act[0].clamp(-1.0, 1.0)).clamp(0.0, self.length());
        obs[0] = next;
        let end = if next >= self.length() { End::Terminated } else { End::Running };
        self.place = (!end.is_end()).then_some(next);
        Ok(Step { reward: next - place, end })
    }

    fn snapshot(&self) -> Option<Snapshot> {
        Some(Snapshot::from_f64s(&[self.place.map_or(-1.0, f64::from)]))
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<()> {
        let [place] = snapshot.to_f64s()?;
        self.place = (place >= 0.0).then_some(place as f32);
        Ok(())
    }
}
