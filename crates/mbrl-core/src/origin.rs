//! Where a transition came from.

use serde::{Deserialize, Serialize};

/// Where a transition came from: the world, or a member of a model driven by a member of a policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The real environment.
    #[default]
    World,
    /// Imagination.
    Model {
        /// The model member that made the successor.
        member: u16,
        /// The policy member that chose the action.
        policy: u16,
    },
}

impl Origin {
    /// The origin as one word, for storage; [`Origin::from_bits`] is the inverse.
    pub fn to_bits(self) -> u32 {
        match self {
            Origin::World => u32::MAX,
            // Member and policy 65,535 together would be the word of the world; no ensemble comes near.
            Origin::Model { member, policy } => {
                (u32::from(member) << 16 | u32::from(policy)).min(u32::MAX - 1)
            }
        }
    }

    /// The origin that [`Origin::to_bits`] made this word from.
    pub fn from_bits(bits: u32) -> Self {
        match bits {
            u32::MAX => Origin::World,
            _ => Origin::Model { member: (bits >> 16) as u16, policy: bits as u16 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_round_trip() {
        for origin in [
            Origin::World,
            Origin::Model { member: 0, policy: 0 },
            Origin::Model { member: 6, policy: 65_535 },
        ] {
            assert_eq!(Origin::from_bits(origin.to_bits()), origin);
        }
    }
}
