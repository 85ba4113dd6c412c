//! A network and its optimizer, kept as one.

use super::{Loaded, Store};
use crate::{Adam, Mlp};
use mbrl_core::{Context, Error, Result};
use serde::de::IntoDeserializer;
use serde::de::value::{Error as Unknown, StrDeserializer};
use serde::{Deserialize, Serialize};
use std::fmt;

impl<'a> Store<'a> {
    /// Adds a network: its shape as notes, its parameters `[members, params]` as the vector `name/theta`.
    pub fn put_network(&mut self, name: &str, net: &Mlp, theta: &'a [f32]) -> Result<()> {
        let members = net.members(theta)?;
        self.put(&format!("{name}/theta"), &[members, net.params()], theta)?;
        self.note(&format!("{name}/layers"), widths(net))?;
        self.note(&format!("{name}/activation"), Name(net.activation()))?;
        self.note(&format!("{name}/norm"), Name(net.norm()))
    }

    /// Adds an optimizer's memory: the vectors `name/mean` and `name/square`, and the steps taken as a note.
    pub fn put_adam(&mut self, name: &str, adam: &'a Adam) -> Result<()> {
        for (part, values) in [("mean", &adam.mean), ("square", &adam.square)] {
            self.put(&format!("{name}/{part}"), &[values.len()], values)?;
        }
        self.note(&format!("{name}/steps"), adam.steps)
    }
}

impl Loaded {
    /// Takes out the parameters of a network, which must have had this shape and as many members.
    pub fn take_network(&mut self, name: &str, net: &Mlp, members: usize) -> Result<Vec<f32>> {
        let found = self.network(name)?;
        if found != *net {
            return Err(Error::invalid(format_args!(
                "`{name}` is a network {}: expected {}",
                Described(&found),
                Described(net)
            )));
        }
        self.take(&format!("{name}/theta"), &[members, net.params()])
    }

    /// The shape of a network.
    pub fn network(&self, name: &str) -> Result<Mlp> {
        let note = |part: &str| self.note(&format!("{name}/{part}"));
        let strange =
            |part: &str| Error::corrupt(format_args!("the note `{name}/{part}` has no meaning here"));
        let sizes = note("layers")?.split(' ').map(str::parse).collect::<Result<Vec<usize>, _>>();
        let Ok([input, hidden @ .., output]) = sizes.as_deref() else {
            return Err(strange("layers"));
        };
        let activation = parse(note("activation")?).map_err(|_| strange("activation"))?;
        let norm = parse(note("norm")?).map_err(|_| strange("norm"))?;
        let net = Mlp::new(*input, hidden, *output, activation).with_context(|| format!("`{name}`"))?;
        Ok(net.with_norm(norm))
    }

    /// Takes out an optimizer's memory of `len` parameters.
    pub fn take_adam(&mut self, name: &str, len: usize) -> Result<Adam> {
        let steps = format!("{name}/steps");
        let steps = self
            .note(&steps)?
            .parse()
            .map_err(|_| Error::corrupt(format_args!("the note `{steps}` is no number of steps")))?;
        let mean = self.take(&format!("{name}/mean"), &[len])?;
        let square = self.take(&format!("{name}/square"), &[len])?;
        // Its root is taken.
        if let Some(at) = square.iter().position(|square| *square < 0.0) {
            return Err(Error::corrupt(format_args!("number {at} of `{name}/square` is negative")));
        }
        Ok(Adam { mean, square, steps })
    }
}

/// A variant's name, as serde writes it.
struct Name<T>(T);

impl<T: Serialize> fmt::Display for Name<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.serialize(f)
    }
}

fn parse<'a, T: Deserialize<'a>>(name: &'a str) -> Result<T, Unknown> {
    let name: StrDeserializer<'a, Unknown> = name.into_deserializer();
    T::deserialize(name)
}

fn widths(net: &Mlp) -> String {
    let hidden = net.hidden().iter().map(|layer| layer.output);
    let all = [net.input()].into_iter().chain(hidden).chain([net.output()]);
    all.map(|width| width.to_string()).collect::<Vec<_>>().join(" ")
}

struct Described<'a>(&'a Mlp);

impl fmt::Display for Described<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = widths(self.0).replace(' ', "→");
        write!(f, "{widths} ({}, norm {})", Name(self.0.activation()), Name(self.0.norm()))
    }
}
