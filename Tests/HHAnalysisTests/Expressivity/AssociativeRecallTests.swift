// The sequences of associative recall: what they ask for, and that nothing gives the answer away.

import HHCompute
import HHData
import HHFormat
import HHModel
import HHTraining
import ModelTestSupport
import Testing

@testable import HHAnalysis

@Suite("AssociativeRecall")
struct AssociativeRecallTests {
  private func task(_ vocabulary: Int = 40, _ length: Int = 128) -> AssociativeRecall {
    var task = AssociativeRecall()
    (task.vocabulary, task.length) = (vocabulary, length)
    (task.trainingCount, task.validationCount, task.testCount) = (300, 100, 100)
    return task
  }

  @Test(
    "the last key came before with the value that answers", arguments: [(40, 128), (4, 4), (8, 30)])
  func answers(vocabulary: Int, length: Int) throws {
    let sequences = task(vocabulary, length).sequences(.training)
    #expect(sequences.count == 300)
    guard case .maskedTokens(let labels) = sequences.batch(0..<300).objective else {
      Issue.record("answers are labels of positions")
      return
    }
    for row in 0..<sequences.count {
      let ids = Array(sequences.tokens[row])
      var values: [Int32: Int32] = [:]
      for position in stride(from: 0, to: length - 2, by: 2) {
        let (key, value) = (ids[position], ids[position + 1])
        #expect(0 <= key && key < vocabulary / 2)
        #expect(vocabulary / 2 <= value && value < vocabulary)
        #expect(values[key] == nil || values[key] == value)
        values[key] = value
      }
      let answer = try #require(values[ids[length - 2]])
      let found = labels[row * length..<(row + 1) * length]
      #expect(Array(found) == [Int32](repeating: -100, count: length - 2) + [answer, -100])
    }
  }

  @Test("a seed gives the same sequences, and the parts have none in common")
  func seeds() {
    var task = task()
    let training = task.sequences(.training)
    #expect(task.sequences(.training) == training)
    var rows: Set<[Int32]> = []
    for part in [AssociativeRecall.Part.training, .validation, .test] {
      let sequences = task.sequences(part)
      for row in 0..<sequences.count { rows.insert(Array(sequences.tokens[row])) }
    }
    #expect(rows.count == 500)
    task.seed = 1
    #expect(task.sequences(.training) != training)
  }

  @Test("values are equally likely for every key, and from one sequence to the next")
  func values() {
    var task = task()
    task.trainingCount = 2_000
    let sequences = task.sequences(.training)
    var counts = [Int](repeating: 0, count: 20 * 20)
    for row in 0..<sequences.count {
      // The last pair alone: one draw of a value per sequence.
      let pair = sequences.tokens[row].suffix(2)
      guard let key = pair.first, let value = pair.last else { continue }
      counts[Int(key) * 20 + Int(value) - 20] += 1
    }
    // Five each on average: χ² over 400 cells is 400 ± 28.
    let deviation = counts.reduce(0.0) { $0 + (Double($1) - 5) * (Double($1) - 5) / 5 }
    #expect((280...520).contains(deviation))
  }

  @Test("sizes that make no task are named", arguments: [(3, 8), (5, 8), (2, 8), (8, 7), (8, 2)])
  func problems(vocabulary: Int, length: Int) {
    let found = task(vocabulary, length).problem
    #expect(found?.setting.option == (length == 8 ? "vocabulary" : "length"))
    #expect(task().problem == nil)
  }

  @Test("a token's type is the token before it")
  func previous() throws {
    let sequences = task(8, 6).sequences(.test)
    let batch = try #require(sequences.input([3, 1]).tokens)
    #expect(batch.ids == Array(sequences.tokens[3]) + Array(sequences.tokens[1]))
    let types = try #require(batch.tokenTypes)
    for index in batch.ids.indices {
      #expect(types[index] == batch.ids[index % 6 == 0 ? index : index - 1])
    }
  }

  @Test("accuracy counts the answers whose value is the likeliest token")
  func accuracy() throws {
    let task = task(8, 12)
    let sequences = task.sequences(.test)
    let runner = try RecallRecipe().model(of: task)
    var right = 0
    for row in 0..<sequences.count {
      let logits = try #require(try runner.outputs(for: sequences.input([row])).logits)
      let scores = logits.rows(10..<11).values
      let likeliest = try #require(scores.indices.max { scores[$0] < scores[$1] })
      if likeliest == Int(sequences.tokens[row].last ?? -1) { right += 1 }
    }
    #expect(0 < right && right < sequences.count)
    for batchSize in [7, 32] {
      let found = try sequences.accuracy(of: runner, batchSize: batchSize)
      #expect(found == Double(right) / 100)
    }
  }
}
