// SPDX-License-Identifier: MIT
// What tools/languages measures in Rust: `bench INSTANCE MODID CMDID COUNT` prints "CALL<TAB>NS" for each call.
use std::{env, ffi::CString, os::raw::*, process::exit, ptr, time::Instant};

const CALLS: usize = 1000;
const BATCH: usize = 100;

#[repr(C)]
#[derive(Default, Clone, Copy)]
struct Host {
    modid: u32,
    cmdid: u32,
    addr: u32,
    port: u16,
}

#[link(name = "larshm")]
extern "C" {
    fn larshm_open(h: *mut *mut c_void, instance: *const c_char) -> c_int;
    fn larshm_get_host(h: *mut c_void, modid: u32, cmdid: u32, host: *mut Host) -> c_int;
    fn larshm_get_host_batch(h: *mut c_void, hosts: *mut Host, codes: *mut c_int, count: usize) -> usize;
}

/// Prints the median of many short runs, of one call among so many.
fn measure(name: &str, chunks: usize, mut run: impl FnMut() -> bool) {
    let mut ns = Vec::new();
    for _ in 0..chunks {
        let start = Instant::now();
        if !run() {
            eprintln!("{} fails", name);
            exit(1);
        }
        ns.push(start.elapsed().as_nanos() as f64 / CALLS as f64);
    }
    ns.sort_by(|a, b| a.partial_cmp(b).unwrap());
    println!("{}\t{:.1}", name, ns[chunks / 2]);
}

fn main() {
    let words: Vec<String> = env::args().collect();
    let instance = CString::new(words[1].as_str()).unwrap();
    let (modid, cmdid) = (words[2].parse().unwrap(), words[3].parse().unwrap());
    let chunks = words[4].parse::<usize>().unwrap() / CALLS;
    let mut h = ptr::null_mut();
    if unsafe { larshm_open(&mut h, instance.as_ptr()) } != 0 {
        eprintln!("no instance {}", words[1]);
        exit(1);
    }
    let mut host = Host::default();
    measure("get_host", chunks, || (0..CALLS).all(|_| unsafe { larshm_get_host(h, modid, cmdid, &mut host) } == 0));
    let mut hosts = [Host { modid, cmdid, ..Host::default() }; BATCH];
    let mut codes = [0; BATCH];
    measure("get_host_batch", chunks, || {
        (0..CALLS / BATCH)
            .all(|_| unsafe { larshm_get_host_batch(h, hosts.as_mut_ptr(), codes.as_mut_ptr(), BATCH) } == BATCH)
    });
}
