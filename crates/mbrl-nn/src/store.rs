//! Named vectors of numbers as bytes: safetensors, which other tools read too, with a checksum.

mod format;
mod unit;

use format::{Checksum, Header};
use mbrl_core::{Context, Error, Result, nearest};
use safetensors::tensor::{Dtype, SafeTensors};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::ops::Range;

/// Vectors and notes to be written, each under a name of its own.
///
/// Equal contents give equal bytes. A number that is not finite is refused, on the way out as on the way in.
///
/// ```
/// use mbrl_core::Key;
/// use mbrl_nn::{Activation, Adam, Init, Loaded, Mlp, Store};
///
/// let net = Mlp::new(3, &[16], 2, Activation::Silu)?;
/// let theta = Init::default().parameters(&net, 7, Key::root(0));
/// let adam = Adam::new(theta.len());
///
/// let mut store = Store::default();
/// store.put_network("model", &net, &theta)?;
/// store.put_adam("model", &adam)?;
/// store.put("bounds", &[2, 2], &[0.5, 0.5, -10.0, -10.0])?;
/// store.note("epoch", 12)?;
/// let mut bytes = Vec::new();
/// store.write(&mut bytes)?;
///
/// let mut loaded = Loaded::read(bytes.as_slice())?;
/// assert_eq!(loaded.take_network("model", &net, 7)?, theta);
/// assert_eq!(loaded.take_adam("model", theta.len())?, adam);
/// assert_eq!(loaded.take("bounds", &[2, 2])?[2], -10.0);
/// assert_eq!(loaded.note("epoch")?, "12");
/// # Ok::<(), mbrl_core::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Store<'a> {
    vectors: BTreeMap<String, (Vec<usize>, &'a [f32])>,
    notes: BTreeMap<String, String>,
}

impl<'a> Store<'a> {
    /// Adds a vector: as many numbers as its shape says.
    pub fn put(&mut self, name: &str, shape: &[usize], values: &'a [f32]) -> Result<()> {
        if shape.iter().try_fold(1, |product: usize, size| product.checked_mul(*size)) != Some(values.len()) {
            return Err(Error::invalid(format_args!("`{name}` has {} numbers for {shape:?}", values.len())));
        }
        finite(name, values.iter().copied())?;
        if name == format::NOTES || self.vectors.contains_key(name) {
            return Err(Error::invalid(format_args!("`{name}` is taken: choose another name")));
        }
        self.vectors.insert(name.into(), (shape.into(), values));
        Ok(())
    }

    /// Adds a note.
    pub fn note(&mut self, name: &str, text: impl std::fmt::Display) -> Result<()> {
        let own = [format::FORMAT, format::CHECKSUM].contains(&name);
        if own || self.notes.contains_key(name) {
            return Err(Error::invalid(format_args!("the note `{name}` is taken: choose another name")));
        }
        self.notes.insert(name.into(), text.to_string());
        Ok(())
    }

    /// Writes everything.
    pub fn write(&self, mut out: impl Write) -> Result<()> {
        let mut notes = self.notes.clone();
        notes.insert(format::FORMAT.into(), format::VERSION.into());
        let mut sum = Checksum::of(&notes);
        let mut header = Header::default();
        let mut at = 0;
        for (name, (shape, values)) in &self.vectors {
            sum.vector(name, shape, values.iter().map(|value| value.to_le_bytes()));
            header.vector(name, shape, at..at + size_of_val(*values));
            at += size_of_val(*values);
        }
        notes.insert(format::CHECKSUM.into(), sum.to_string());
        let header = header.finish(&notes);
        if header.len() as u64 > format::LONGEST {
            return Err(Error::invalid(format_args!(
                "names and notes of {} bytes: keep them below {}",
                header.len(),
                format::LONGEST
            )));
        }
        let mut write = || {
            out.write_all(&header)?;
            let mut buffer = Vec::with_capacity(1 << 14);
            for block in self.vectors.values().flat_map(|(_, values)| values.chunks(1 << 12)) {
                buffer.clear();
                buffer.extend(block.iter().flat_map(|value| value.to_le_bytes()));
                out.write_all(&buffer)?;
            }
            out.flush()
        };
        write().context("writing parameters")
    }
}

/// Vectors and notes that were read.
#[derive(Clone, Debug)]
pub struct Loaded {
    bytes: Vec<u8>,
    vectors: BTreeMap<String, (Vec<usize>, Range<usize>)>,
    notes: BTreeMap<String, String>,
}

impl Loaded {
    /// Reads to the end what [`Store::write`] wrote, and checks that nothing of it was damaged.
    pub fn read(mut from: impl Read) -> Result<Self> {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).context("reading parameters")?;
        format::check_header(&bytes)?;
        let (header, metadata) = SafeTensors::read_metadata(&bytes).map_err(|error| damaged(&error))?;
        let first = size_of::<u64>() + header;
        let mut vectors = BTreeMap::new();
        for (name, info) in metadata.tensors() {
            if info.dtype != Dtype::F32 {
                return Err(damaged(&format_args!("`{name}` is {}, not F32", info.dtype)));
            }
            let (from, to) = info.data_offsets;
            vectors.insert(name, (info.shape.clone(), first + from..first + to));
        }
        let notes = metadata.metadata().iter().flatten();
        let mut notes: BTreeMap<_, _> = notes.map(|(name, text)| (name.clone(), text.clone())).collect();

        match notes.get(format::FORMAT).map(String::as_str) {
            Some(format::VERSION) => {}
            Some(other) => {
                return Err(Error::version(format_args!(
                    "parameters in the format `{other}`: this build reads `{}`",
                    format::VERSION
                )));
            }
            None => return Err(damaged(&"no note says which format they are in")),
        }
        let stated = notes.remove(format::CHECKSUM);
        let mut sum = Checksum::of(&notes);
        for (name, (shape, range)) in &vectors {
            sum.vector(name, shape, words(bytes.get(range.clone()).unwrap_or_default()));
        }
        if stated != Some(sum.to_string()) {
            return Err(damaged(&"their checksum is wrong"));
        }
        notes.remove(format::FORMAT);
        Ok(Loaded { bytes, vectors, notes })
    }

    /// Takes a vector out, which must have this shape.
    pub fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let Some((found, range)) = self.vectors.get(name) else {
            return Err(missing("vector", name, self.vectors.keys()));
        };
        if found != shape {
            return Err(Error::invalid(format_args!("`{name}` has the shape {found:?}: expected {shape:?}")));
        }
        let bytes = self.bytes.get(range.clone()).unwrap_or_default();
        let values: Vec<f32> = words(bytes).map(f32::from_le_bytes).collect();
        finite(name, values.iter().copied())?;
        self.vectors.remove(name);
        Ok(values)
    }

    /// The shape of a vector.
    pub fn shape(&self, name: &str) -> Result<&[usize]> {
        match self.vectors.get(name) {
            Some((shape, _)) => Ok(shape),
            None => Err(missing("vector", name, self.vectors.keys())),
        }
    }

    /// What a note says.
    pub fn note(&self, name: &str) -> Result<&str> {
        self.notes.get(name).map(String::as_str).ok_or_else(|| missing("note", name, self.notes.keys()))
    }

    /// The names of the vectors that were not taken.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.vectors.keys().map(String::as_str)
    }
}

/// Whole numbers of four bytes are all there is: a shape of `f32` was checked against them.
fn words(bytes: &[u8]) -> impl Iterator<Item = [u8; 4]> {
    bytes.chunks_exact(4).map(|word| std::array::from_fn(|i| word[i]))
}

fn finite(name: &str, values: impl Iterator<Item = f32>) -> Result<()> {
    match values.enumerate().find(|(_, value)| !value.is_finite()) {
        Some((i, value)) => Err(Error::non_finite(format_args!(
            "number {i} of `{name}` is {value}: take parameters from before training broke"
        ))),
        None => Ok(()),
    }
}

#[cold]
fn missing<'a>(what: &str, name: &str, there: impl Iterator<Item = &'a String>) -> Error {
    let there: Vec<&str> = there.map(String::as_str).collect();
    let hint = match nearest(name, there.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are {}", there.iter().take(8).copied().collect::<Vec<_>>().join(", ")),
    };
    Error::invalid(format_args!("no {what} is called `{name}`: {hint}"))
}

#[cold]
fn damaged(how: &dyn std::fmt::Display) -> Error {
    // What a parser says may quote what it found, line breaks and all.
    let how: String = how.to_string().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    Error::corrupt(format_args!("the parameters are damaged: {how}; take an older copy"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_hold_no_number_are_refused_on_the_way_in() {
        let values = [0.0, 1.0, f32::NEG_INFINITY];
        let vectors = BTreeMap::from([("theta".to_owned(), (vec![3], values.as_slice()))]);
        let mut bytes = Vec::new();
        Store { vectors, notes: BTreeMap::new() }.write(&mut bytes).unwrap();
        let error = Loaded::read(bytes.as_slice()).unwrap().take("theta", &[3]).unwrap_err();
        assert!(
            error.is_non_finite() && error.to_string().contains("number 2 of `theta` is -inf"),
            "{error}"
        );
    }

    #[test]
    fn another_format_is_told_from_damage() {
        let mut bytes = Vec::new();
        Store::default().write(&mut bytes).unwrap();
        let at = bytes.windows(9).position(|word| word == b"mbrl-nn 1").unwrap();
        bytes[at + 8] = b'2';
        assert!(Loaded::read(bytes.as_slice()).unwrap_err().is_version());
    }
}
