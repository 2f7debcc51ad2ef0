/// Something a loop does when an instant has come. Its place in the heap is kept in the alarm itself,
/// so that moving or removing one needs no search and a closed connection leaves nothing behind.
class Alarm {
    fileprivate(set) var due = Instant.never
    fileprivate var position = -1

    var isSet: Bool { position >= 0 }

    func ring() {}
    /// The loop shuts down: whoever waits must be told.
    func dismiss() {}
}

/// The alarms of one loop, earliest first: a binary heap.
struct AlarmHeap {
    private var alarms: [Alarm] = []

    var next: Instant { alarms.first?.due ?? .never }

    mutating func set(_ alarm: Alarm, for due: Instant) {
        if alarm.isSet {
            let isEarlier = due < alarm.due
            alarm.due = due
            if isEarlier {
                rise(alarm, from: alarm.position)
            } else {
                sink(alarm, from: alarm.position)
            }
        } else {
            alarm.due = due
            alarms.append(alarm)
            rise(alarm, from: alarms.count - 1)
        }
    }

    mutating func remove(_ alarm: Alarm) {
        guard alarm.isSet else { return }
        let hole = alarm.position
        alarm.position = -1
        let last = alarms.removeLast()
        guard last !== alarm else { return }
        if last.due < alarm.due { rise(last, from: hole) } else { sink(last, from: hole) }
    }

    /// The earliest alarm if it is due, taken out.
    mutating func takeDue(at now: Instant) -> Alarm? {
        guard let first = alarms.first, first.due <= now else { return nil }
        remove(first)
        return first
    }

    mutating func takeAll() -> [Alarm] {
        let all = alarms
        alarms = []
        for alarm in all { alarm.position = -1 }
        return all
    }

    private mutating func rise(_ alarm: Alarm, from start: Int) {
        var place = start
        while place > 0 {
            let parent = (place - 1) / 2
            guard alarm.due < alarms[parent].due else { break }
            put(alarms[parent], at: place)
            place = parent
        }
        put(alarm, at: place)
    }

    private mutating func sink(_ alarm: Alarm, from start: Int) {
        var place = start
        while true {
            var child = 2 * place + 1
            guard child < alarms.count else { break }
            if child + 1 < alarms.count, alarms[child + 1].due < alarms[child].due { child += 1 }
            guard alarms[child].due < alarm.due else { break }
            put(alarms[child], at: place)
            place = child
        }
        put(alarm, at: place)
    }

    private mutating func put(_ alarm: Alarm, at place: Int) {
        alarms[place] = alarm
        alarm.position = place
    }
}
