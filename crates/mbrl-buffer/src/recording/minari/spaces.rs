//! Spaces of Gymnasium as Minari writes them in JSON.

use mbrl_core::{Error, Result, Space};
use serde_json::Value;

/// A space, as far as it is known here.
#[derive(Debug, Default)]
pub(super) struct Held {
    pub(super) space: Option<Space>,
    /// What the first of several choices is called.
    pub(super) first: f32,
    pub(super) note: Option<String>,
}

/// The space that is written. Matrices are read row by row; what is no vector and no choice is refused.
pub(super) fn space(json: &Value, is_jpeg: bool) -> Result<Held> {
    match json.get("type").and_then(Value::as_str) {
        Some("Box") => boxed(json, is_jpeg),
        Some("Discrete") => {
            let n = json.get("n").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
            let n = n.ok_or_else(|| Error::corrupt("it does not say how many choices there are"))?;
            let first = json.get("start").and_then(Value::as_i64).unwrap_or(0) as f32;
            Ok(Held { space: Some(Space::discrete(n)?), first, note: None })
        }
        other => Err(Error::unsupported(format_args!(
            "it is a {}, and only Box and Discrete are read: flatten it first, with FlattenObservation of Gymnasium say",
            other.unwrap_or("space of no type")
        ))),
    }
}

fn boxed(json: &Value, is_jpeg: bool) -> Result<Held> {
    let shape: Option<Vec<u64>> = json
        .get("shape")
        .and_then(Value::as_array)
        .and_then(|shape| shape.iter().map(Value::as_u64).collect());
    let shape = shape.ok_or_else(|| Error::corrupt("it does not say of what shape it is"))?;
    // Minari stores these as compressed pictures.
    let is_image = matches!(shape.len(), 2 | 3) && shape[..2].iter().all(|side| *side >= 32);
    if is_jpeg && is_image && json.get("dtype").and_then(Value::as_str) == Some("uint8") {
        return Err(Error::unsupported("these are images, which are not read: encode them as vectors first"));
    }
    let numbers = shape.iter().try_fold(1u64, |product, side| product.checked_mul(*side));
    let (mut low, mut high) = (Vec::new(), Vec::new());
    bounds(json.get("low"), &mut low)?;
    bounds(json.get("high"), &mut high)?;
    if numbers != Some(low.len() as u64) || low.len() != high.len() {
        let numbers = numbers.unwrap_or(u64::MAX);
        return Err(Error::corrupt(format_args!(
            "it is of {numbers} numbers, and {} and {} bounds are given",
            low.len(),
            high.len()
        )));
    }
    Ok(match Space::bounded(&low, &high) {
        Ok(space) => Held { space: Some(space), ..Held::default() },
        // One that holds a single value in some direction: its bounds say nothing that could be relied on.
        Err(error) => Held { note: Some(format!("{error}; the bounds were ignored")), ..Held::default() },
    })
}

/// The bounds, of a matrix row by row.
fn bounds(json: Option<&Value>, into: &mut Vec<f32>) -> Result<()> {
    match json {
        Some(Value::Array(bounds)) => bounds.iter().try_for_each(|bound| bounds_of(bound, into)),
        _ => Err(Error::corrupt("it does not say between which bounds it is")),
    }
}

fn bounds_of(json: &Value, into: &mut Vec<f32>) -> Result<()> {
    let bound = match json {
        Value::Array(bounds) => return bounds.iter().try_for_each(|bound| bounds_of(bound, into)),
        Value::String(name) => match name.as_str() {
            "Infinity" => f32::INFINITY,
            "-Infinity" => f32::NEG_INFINITY,
            _ => return Err(Error::corrupt(format_args!("a bound of it is {name}"))),
        },
        Value::Number(number) => number.as_f64().unwrap_or(f64::NAN) as f32,
        Value::Bool(bound) => f32::from(u8::from(*bound)),
        _ => return Err(Error::corrupt(format_args!("a bound of it is {json}"))),
    };
    into.push(bound);
    Ok(())
}
