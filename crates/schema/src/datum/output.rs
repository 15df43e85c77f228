//! Appending to a datum.

/// Appends a zigzag variable-length integer (Avro 1.12, "Binary encode primitive types").
pub(super) fn long(out: &mut Vec<u8>, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)).cast_unsigned();
    if rest < 0x80 {
        out.push(rest as u8);
        return;
    }
    let mut bytes = [0; 10];
    let mut length = 0;
    for byte in &mut bytes {
        length += 1;
        if rest < 0x80 {
            *byte = rest as u8;
            break;
        }
        *byte = rest as u8 | 0x80;
        rest >>= 7;
    }
    out.extend_from_slice(&bytes[..length]);
}

/// Appends a length or count.
pub(super) fn count(out: &mut Vec<u8>, count: usize) {
    // No slice is longer than isize::MAX bytes.
    long(out, count.cast_signed() as i64);
}

/// Appends bytes after their length.
pub(super) fn bytes(out: &mut Vec<u8>, bytes: &[u8]) {
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
