//! A population as bytes: parameters, targets, temperatures, moments of the optimizers.

use super::SacLearner;
use mbrl_core::{Context, Error, Result};
use mbrl_nn::{Loaded, Store};
use std::io::{Read, Write};

impl SacLearner {
    /// Writes all that the population has learnt and will need.
    pub fn save(&self, out: &mut dyn Write) -> Result<()> {
        let mut store = Store::default();
        store.put_network("actor", self.policy().net(), self.policy().theta())?;
        store.put_network("critic", self.critic(), &self.critics)?;
        store.put_network("target", self.critic(), &self.targets)?;
        store.put("log_temperature", &[self.agents()], &self.log_temperature)?;
        store.put_adam("adam/actor", &self.adams.actor)?;
        store.put_adam("adam/critic", &self.adams.critic)?;
        store.put_adam("adam/temperature", &self.adams.temperature)?;
        store.note("updates", self.updates)?;
        let mut bytes = Vec::new();
        store.write(&mut bytes)?;
        // What was written is read to its end, so it says where that is.
        out.write_all(&(bytes.len() as u64).to_le_bytes()).context("writing actors and critics")?;
        out.write_all(&bytes).context("writing actors and critics")
    }

    /// Reads what a population that was built alike has saved; on an error it is left as it was.
    pub fn load(&mut self, from: &mut dyn Read) -> Result<()> {
        let mut len = [0; 8];
        from.read_exact(&mut len).context("reading actors and critics")?;
        let mut loaded = Loaded::read(from.take(u64::from_le_bytes(len)))?;
        let (agents, critics) = (self.agents(), self.agents() * self.config().critics);
        let actor = loaded.take_network("actor", self.policy().net(), agents)?;
        let online = loaded.take_network("critic", self.critic(), critics)?;
        let targets = loaded.take_network("target", self.critic(), critics)?;
        let log_temperature = loaded.take("log_temperature", &[agents])?;
        let mut adams = self.adams.clone();
        for (name, adam, len) in [
            ("adam/actor", &mut adams.actor, actor.len()),
            ("adam/critic", &mut adams.critic, online.len()),
            ("adam/temperature", &mut adams.temperature, agents),
        ] {
            *adam = loaded.take_adam(name, len)?;
        }
        let updates = loaded.note("updates")?;
        self.updates = updates
            .parse()
            .map_err(|_| Error::corrupt(format_args!("`{updates}` is no number of updates")))?;
        self.policy_mut().theta = actor;
        (self.critics, self.targets, self.log_temperature, self.adams) =
            (online, targets, log_temperature, adams);
        Ok(())
    }
}
