//! Randomness as a value: a labelled seed tree over ChaCha8.

use crate::{Error, Result};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A place in a tree of seeds. Equal paths give equal bits, different paths independent ones.
///
/// No generator is stored anywhere: whoever needs randomness is handed a key, and hands keys on. Labels name roles
/// (`model`, `policy`), numbers name occasions (a step, a chunk).
///
/// ```
/// use mbrl_core::Key;
///
/// let key = Key::root(42).child("model").at(3);
/// assert_eq!(key.bits(), Key::root(42).child("model").at(3).bits());
/// assert_ne!(key.bits(), Key::root(42).child("policy").at(3).bits());
/// ```
///
/// A step down the tree, and a generator, cost one call of ChaCha8 each (about a tenth of a microsecond). [`Key::below`] pays once
/// for any number of keys, so that one may be handed to every row of a batch, where few of them are ever looked at.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    // A key is the address of one ChaCha8 block: 32 bytes of its output are the seed of everything below.
    seed: [u8; 32],
    word: u64,
    role: Role,
}

/// The numbered keys below one key: [`Key::below`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Below {
    seed: [u8; 32],
}

impl Below {
    /// The key that [`Key::at`] makes, for nothing.
    #[must_use]
    #[inline]
    pub fn at(&self, i: u64) -> Key {
        Key { seed: self.seed, word: i, role: Role::At }
    }
}

/// What a block is for, as its position in the stream: equal words in different roles never meet.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
enum Role {
    Root = 1,
    At = 2,
    Label = 3,
    LabelEnd = 4,
    Normals = 5,
    Uniforms = 6,
}

/// Where generators start in their stream: past every role.
const GENERATOR_BLOCK: u128 = 16;
const WORDS_PER_BLOCK: u128 = 16;

impl Key {
    /// The root of the tree of `seed`.
    pub fn root(seed: u64) -> Self {
        Key { seed: *b"mbrl key tree over ChaCha8, v1  ", word: seed, role: Role::Root }
    }

    /// The key below this one that belongs to a role.
    #[must_use]
    pub fn child(self, label: &str) -> Self {
        let mut key = self;
        for chunk in label.as_bytes().chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            key = Key { seed: key.block(), word: u64::from_le_bytes(word), role: Role::Label };
        }
        Key { seed: key.block(), word: label.len() as u64, role: Role::LabelEnd }
    }

    /// The key below this one that belongs to occasion `i`.
    #[must_use]
    pub fn at(self, i: u64) -> Self {
        self.below().at(i)
    }

    /// All keys that [`at`](Key::at) makes, at the price of one.
    #[must_use]
    pub fn below(self) -> Below {
        Below { seed: self.block() }
    }

    /// A generator of its own for this key.
    pub fn rng(self) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::from_seed(self.block());
        rng.set_word_pos(GENERATOR_BLOCK * WORDS_PER_BLOCK);
        rng
    }

    /// 64 random bits.
    pub fn bits(self) -> u64 {
        self.rng().next_u64()
    }

    /// A number from [0, 1).
    pub fn uniform(self) -> f32 {
        unit(self.rng().next_u32())
    }

    /// The generators of a block of noise. They are no numbered keys, so they meet no key of whoever drew the block.
    pub(crate) fn normals(self) -> ChaCha8Rng {
        Key { seed: self.block(), word: 0, role: Role::Normals }.rng()
    }

    pub(crate) fn uniforms(self) -> ChaCha8Rng {
        Key { seed: self.block(), word: 0, role: Role::Uniforms }.rng()
    }

    fn block(&self) -> [u8; 32] {
        let mut rng = ChaCha8Rng::from_seed(self.seed);
        rng.set_stream(self.word);
        rng.set_word_pos(self.role as u128 * WORDS_PER_BLOCK);
        let mut block = [0; 32];
        rng.fill_bytes(&mut block);
        block
    }
}

/// The number from [0, 1) that the upper 24 bits of a word spell.
pub(crate) fn unit(word: u32) -> f32 {
    (word >> 8) as f32 * (1.0 / (1u32 << 24) as f32)
}

impl fmt::Debug for Below {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Below(…)")
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({self})")
    }
}

/// 82 hexadecimal digits that [`Key::from_str`] reads back.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.seed {
            write!(f, "{byte:02x}")?;
        }
        write!(f, "{:016x}{:02x}", self.word, self.role as u8)
    }
}

impl FromStr for Key {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let bad = || Error::invalid(format_args!("{text:?} is no key: expected 82 hexadecimal digits"));
        if text.len() != 82 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(bad());
        }
        let mut seed = [0; 32];
        for (i, byte) in seed.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).map_err(|_| bad())?;
        }
        let word = u64::from_str_radix(&text[64..80], 16).map_err(|_| bad())?;
        let role = match &text[80..] {
            "01" => Role::Root,
            "02" => Role::At,
            "03" => Role::Label,
            "04" => Role::LabelEnd,
            _ => return Err(bad()),
        };
        Ok(Key { seed, word, role })
    }
}

impl Serialize for Key {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// The numbers are from ChaCha8 written out by its definition: `reference/keys.py`. Moving any of them changes every
    /// result ever recorded: it is a "Value-changing" entry of the changelog.
    #[test]
    fn value_stability() {
        let root = Key::root(0);
        assert_eq!(
            [
                root.bits(),
                Key::root(1).bits(),
                root.child("model").bits(),
                root.child("policy").bits(),
                root.child("a longer label").bits(),
                root.at(0).bits(),
                root.at(1).bits(),
                root.at(u64::MAX).bits(),
                root.child("model").at(7).bits(),
                root.at(7).child("model").bits(),
            ],
            [
                4738839104926709269,
                3668334830131166816,
                194530276603547321,
                11798928828277716217,
                1093716363891969064,
                14805777130051744324,
                7711928183680056206,
                9334453189100951644,
                8873575718851905416,
                15435133712210603459,
            ]
        );
    }

    #[test]
    fn paths_that_differ_give_bits_that_differ() {
        let root = Key::root(3);
        let mut seen = BTreeSet::new();
        for i in 0..200u64 {
            assert!(seen.insert(root.at(i).bits()));
            assert!(seen.insert(root.at(0).at(i).bits()));
            assert!(seen.insert(root.child(&format!("label {i}")).bits()));
        }
        // A label and its zero-padded or continued forms, and the same bytes as a number.
        for label in ["", "\0", "a", "a\0", "aaaaaaaa", "aaaaaaaa\0", "aaaaaaaaa"] {
            assert!(seen.insert(root.child(label).bits()), "{label:?}");
        }
        assert!(seen.insert(root.at(u64::from_le_bytes(*b"aaaaaaaa")).bits()));
        assert!(seen.insert(root.child("a").child("b").bits()) && seen.insert(root.child("ab").bits()));
    }

    #[test]
    fn keys_below_are_those_at() {
        let key = Key::root(2).child("lanes");
        let below = key.below();
        assert!((0..100).all(|i| below.at(i) == key.at(i)));
    }

    #[test]
    fn a_generator_does_not_repeat_the_keys_below_it() {
        let key = Key::root(11).child("x");
        let below: BTreeSet<[u8; 32]> = (0..8).map(|i| key.at(i).block()).collect();
        let mut rng = key.rng();
        for _ in 0..256 {
            let mut block = [0; 32];
            rng.fill_bytes(&mut block);
            assert!(!below.contains(&block));
        }
    }

    #[test]
    fn text_round_trips_and_damage_is_refused() {
        let key = Key::root(5).child("world").at(9);
        let text = key.to_string();
        assert_eq!(text.parse::<Key>().unwrap(), key);
        assert_eq!(serde_json::from_str::<Key>(&serde_json::to_string(&key).unwrap()).unwrap(), key);
        for bad in [&text[1..], "", &text.replace('0', "g"), &format!("{}09", &text[..80])] {
            assert!(bad.parse::<Key>().unwrap_err().is_invalid(), "{bad}");
        }
    }

    #[test]
    fn unit_reaches_both_ends_and_not_one() {
        assert_eq!(unit(0).to_bits(), 0.0f32.to_bits());
        assert!(unit(u32::MAX) < 1.0 && unit(u32::MAX) > 0.999_999_9);
    }
}
