//! Events as the messages of Protocol Buffers that TensorFlow's `event.proto` and `summary.proto` say they are.

/// The event that a file begins with.
pub(super) fn version(wall_time: f64) -> Vec<u8> {
    let mut event = Vec::new();
    double(&mut event, 1, wall_time);
    bytes(&mut event, 3, b"brain.Event:2");
    event
}

/// Numbers by name, after `step` steps.
pub(super) fn scalars<'a>(
    wall_time: f64,
    step: u64,
    scalars: impl Iterator<Item = (&'a str, f32)>,
) -> Vec<u8> {
    let (mut event, mut summary, mut value) = (Vec::new(), Vec::new(), Vec::new());
    for (tag, simple_value) in scalars {
        value.clear();
        bytes(&mut value, 1, tag.as_bytes());
        float(&mut value, 2, simple_value);
        bytes(&mut summary, 1, &value);
    }
    double(&mut event, 1, wall_time);
    varint(&mut event, 2 << 3);
    varint(&mut event, step);
    bytes(&mut event, 5, &summary);
    event
}

fn double(out: &mut Vec<u8>, field: u64, value: f64) {
    varint(out, field << 3 | 1);
    out.extend(value.to_le_bytes());
}

fn float(out: &mut Vec<u8>, field: u64, value: f32) {
    varint(out, field << 3 | 5);
    out.extend(value.to_le_bytes());
}

/// A string, or a message within this one.
fn bytes(out: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    varint(out, field << 3 | 2);
    varint(out, bytes.len() as u64);
    out.extend(bytes);
}

/// Seven bits a byte, the lowest first; all but the last byte have the eighth set.
fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
