//! Files that say more than they hold are refused before they cost anything.

use super::*;

fn fixture() -> Vec<u8> {
    std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/minari-arrow/data/0/part-0.arrow"))
        .unwrap()
}

fn word(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(take(bytes, at).unwrap()) as usize
}

fn set(bytes: &mut [u8], at: usize, word: usize) {
    bytes[at..at + 4].copy_from_slice(&(word as u32).to_le_bytes());
}

/// Where the footer begins and ends.
fn footer(file: &[u8]) -> (usize, usize) {
    let end = file.len() - MAGIC.len() - 4;
    (end - word(file, end), end)
}

/// Where the entry of a field is in the list of those of the table at `at`.
fn entry(file: &[u8], at: usize, field: usize) -> usize {
    let back = i32::from_le_bytes(take(file, at).unwrap());
    (at as i64 - i64::from(back)) as usize + 4 + 2 * field
}

/// Where a field of the table at `at` is.
fn field(file: &[u8], at: usize, field: usize) -> usize {
    let entry = entry(file, at, field);
    at + usize::from(u16::from_le_bytes(take(file, entry).unwrap()))
}

/// Where the offset at `at` leads to.
fn follow(file: &[u8], at: usize) -> usize {
    at + word(file, at)
}

/// Where the list of fields is.
fn fields(file: &[u8]) -> usize {
    let schema = follow(file, field(file, follow(file, footer(file).0), 1));
    follow(file, field(file, schema, 1))
}

fn refused(file: &[u8]) -> String {
    columns(file).unwrap_err().to_string()
}

#[test]
fn blocks_that_lie_on_one_another_are_refused() {
    let file = fixture();
    let once = columns(&file).unwrap()[0].len();
    let repeated = |times: usize| {
        let mut file = file.clone();
        let (begin, end) = footer(&file);
        let at = field(&file, follow(&file, begin), 3);
        let block = follow(&file, at) + 4;
        let block = file[block..block + 24].to_vec();
        let mut list = (times as u32).to_le_bytes().to_vec();
        (0..times).for_each(|_| list.extend_from_slice(&block));
        set(&mut file, at, end - at);
        let longer = list.len();
        file.splice(end..end, list);
        let (now, length) = (end + longer, end - begin + longer);
        set(&mut file, now, length);
        columns(&file).map(|columns| columns[0].len())
    };
    assert_eq!(repeated(1).unwrap(), once);
    assert!(repeated(1000).unwrap_err().is_corrupt());
}

#[test]
fn doubles_that_no_single_holds_are_refused_by_column_and_row() {
    let mut file = fixture();
    let found = columns(&file).unwrap()[0].row(1)[2];
    let is_it =
        |at: &usize| (f64::from_le_bytes(take(&file, *at).unwrap()) as f32).to_bits() == found.to_bits();
    let at = (0..file.len() - 8).step_by(8).find(is_it).unwrap();
    file[at..at + 8].copy_from_slice(&1e300f64.to_le_bytes());
    let says = "observations: row 1, column 2 is 1e300, which overflows single precision";
    assert!(refused(&file).starts_with(says), "{}", refused(&file));
}

#[test]
fn two_columns_of_one_name_are_refused() {
    let mut file = fixture();
    let list = fields(&file);
    let first = word(&file, list + 4);
    // An offset counts from where it is.
    set(&mut file, list + 8, first - 4);
    assert!(refused(&file).contains("there are two columns of this name"), "{}", refused(&file));
}

#[test]
fn indices_of_a_dictionary_are_refused() {
    let mut file = fixture();
    let first = follow(&file, fields(&file) + 4);
    let (kind, dictionary) = (entry(&file, first, 3), entry(&file, first, 4));
    file.copy_within(kind..kind + 2, dictionary);
    assert!(refused(&file).contains("indices of a dictionary"), "{}", refused(&file));
}

#[test]
fn fields_that_share_what_is_in_them_are_walked_through_no_more_often_than_there_are_arrays() {
    // A struct of two fields, which are one and the same struct of two fields, and so on.
    const DEPTHS: usize = 8;
    let mut bytes = 20u32.to_le_bytes().to_vec();
    for half in [16u16, 12, 0, 0, 4, 0, 0, 8] {
        bytes.extend_from_slice(&half.to_le_bytes());
    }
    for depth in 0..DEPTHS {
        let at = bytes.len();
        bytes.extend_from_slice(&(at as u32 - 4).to_le_bytes());
        bytes.extend_from_slice(&13u32.to_le_bytes());
        let children = if depth + 1 == DEPTHS { 0u32 } else { 2 };
        for word in [4, children, 8, 4] {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
    }
    let root = Table::root(&bytes).unwrap();
    let nodes = |len: usize| {
        let mut list = root.list(5).unwrap();
        list.len = len;
        Walk { nodes: list, buffers: list, node: 0, buffer: 0, body: &[] }.skip(root, DEEPEST)
    };
    assert!(nodes((1 << DEPTHS) - 1).is_ok());
    assert!(nodes((1 << DEPTHS) - 2).unwrap_err().is_corrupt());
    assert!(nodes(2).unwrap_err().is_corrupt());
}
