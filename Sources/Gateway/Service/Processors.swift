import Glibc

enum Processors {
    /// The processors of this machine; an event loop for each.
    static var count: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }
}
