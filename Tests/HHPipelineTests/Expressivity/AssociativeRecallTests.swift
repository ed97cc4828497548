// The sequences of associative recall: what they ask for, and that nothing gives the answer away.

import HHCompute
import Testing

@testable import HHPipeline

@Suite("AssociativeRecall")
struct AssociativeRecallTests {
  private func task(_ vocabulary: Int = 40, _ length: Int = 128) -> AssociativeRecall {
    var task = AssociativeRecall()
    (task.vocabulary, task.length) = (vocabulary, length)
    (task.trainingCount, task.validationCount, task.testCount) = (300, 100, 100)
    return task
  }

  @Test("every key that came before asks for its value", arguments: [(40, 128), (4, 4), (8, 30)])
  func answers(vocabulary: Int, length: Int) {
    let sequences = task(vocabulary, length).sequences(.training)
    #expect(sequences.count == 300 && sequences.answers.count == 300 * length)
    for row in 0..<sequences.count {
      let ids = Array(sequences.tokens[row])
      let answers = sequences.answers[row * length..<(row + 1) * length]
      var values: [Int32: Int32] = [:]
      for (position, answer) in answers.enumerated() {
        guard position.isMultiple(of: 2) else {
          #expect(answer < 0)
          continue
        }
        let (key, value) = (ids[position], ids[position + 1])
        #expect(0 <= key && key < vocabulary / 2)
        #expect(vocabulary / 2 <= value && value < vocabulary)
        #expect(answer == values[key] ?? RecallSequences.none)
        #expect(values[key] == nil || values[key] == value)
        values[key] = value
      }
      #expect(answers[answers.startIndex + length - 2] >= 0)
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
    #expect(found?.option == (length == 8 ? "--vocabulary" : "--length"))
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
    let found = try sequences.accuracy(of: runner, batchSize: 7)
    var (asked, right, last) = (0, 0, 0)
    for row in 0..<sequences.count {
      let logits = try #require(try runner.outputs(for: sequences.input([row])).logits)
      for position in 0..<12 where sequences.answers[row * 12 + position] >= 0 {
        let scores = logits.rows(position..<position + 1).values
        let likeliest = try #require(scores.indices.max { scores[$0] < scores[$1] })
        asked += 1
        guard likeliest == Int(sequences.answers[row * 12 + position]) else { continue }
        right += 1
        if position == 10 { last += 1 }
      }
    }
    #expect(found.every == Double(right) / Double(asked))
    #expect(found.last == Double(last) / 100)
    #expect(found == (try sequences.accuracy(of: runner)))
  }
}
