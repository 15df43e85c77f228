//! Appending to a datum.

/// Appends a zigzag variable-length integer (Avro 1.12, "Binary encode primitive types").
#[inline]
pub(super) fn long(out: &mut Vec<u8>, value: i64) {
    let zigzag = ((value << 1) ^ (value >> 63)).cast_unsigned();
    match u8::try_from(zigzag) {
        Ok(byte) if byte < 0x80 => out.push(byte),
        _ => varint(out, zigzag),
    }
}

#[inline(never)]
fn varint(out: &mut Vec<u8>, mut rest: u64) {
    let mut bytes = [0; 10];
    let mut length = 0;
    for byte in &mut bytes {
        length += 1;
        *byte = (rest & 0x7F) as u8;
        rest >>= 7;
        if rest == 0 {
            break;
        }
        *byte |= 0x80;
    }
    out.extend_from_slice(&bytes[..length]);
}

/// Appends that there is no value: the number of null in a union of two.
#[inline]
pub(super) fn null(out: &mut Vec<u8>, null_first: bool) {
    out.push(if null_first { 0 } else { 2 });
}

/// Appends that there is a value.
#[inline]
pub(super) fn present(out: &mut Vec<u8>, null_first: bool) {
    null(out, !null_first);
}

/// Appends a length or count.
#[inline]
pub(super) fn count(out: &mut Vec<u8>, count: usize) {
    // No slice is longer than isize::MAX bytes.
    long(out, count.cast_signed() as i64);
}

/// Appends bytes after their length.
#[inline]
pub(super) fn bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.reserve(bytes.len() + 2);
    count(out, bytes.len());
    out.extend_from_slice(bytes);
}

/// Puts a count in front of what was appended from `start` on, for those that are known only afterwards.
pub(super) fn count_before(out: &mut Vec<u8>, start: usize, number: usize) {
    let end = out.len();
    count(out, number);
    let length = out.len() - end;
    out[start..].rotate_right(length);
}
